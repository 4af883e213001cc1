"""The page Try without a script: a form with its token is answered with a page, and one without it is refused."""

from __future__ import annotations

import re
from pathlib import Path

from scp_node.ledger import Ledger
from scp_node.web.access.guard import HEADER
from tests.support.web.clients import ScriptedDesk, asked_node


def test_a_form_with_its_token_is_answered_with_a_page(tmp_path: Path, ledger: Ledger) -> None:
    with asked_node(tmp_path, ledger, desk=ScriptedDesk()) as node:
        del node.client.headers[HEADER]
        token = re.search(r'name="csrf_token" value="([^"]+)"', node.client.get("/try").text)
        assert token is not None
        fields = {"csrf_token": token[1], "model": "pneumonia@1.9.0"}
        answer = node.client.post("/try", data=fields, files={"file": ("a.png", b"film")})
        assert answer.status_code == 200
        assert "95.1230" in answer.text


def test_a_form_of_another_page_is_refused_before_anything_is_analysed(tmp_path: Path, ledger: Ledger) -> None:
    desk = ScriptedDesk()
    with asked_node(tmp_path, ledger, desk=desk) as node:
        del node.client.headers[HEADER]
        for fields in ({}, {"csrf_token": "other"}):
            assert node.client.post("/try", data=fields, files={"file": ("a.png", b"film")}).status_code == 403
    assert desk.asked == []


def test_a_refusal_is_shown_on_the_page_with_its_code(tmp_path: Path, ledger: Ledger) -> None:
    with asked_node(tmp_path, ledger, desk=ScriptedDesk(), upload_bytes_max=10) as node:
        fields = {"csrf_token": node.client.headers.pop(HEADER)}
        answer = node.client.post("/try", data=fields, files={"file": ("a.png", bytes(11))})
        assert answer.status_code == 413
        assert "upload-too-large" in answer.text
