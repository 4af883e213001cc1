"""QIDO-RS: an archive holds an instance, does not hold it, or cannot be asked and why; nothing is guessed."""

from __future__ import annotations

import json

import pytest

from scp_node.deliver.http.dicomweb.searching import Holding, held_by_qido
from tests.support.node.dicomweb import settings_to_vna, vna_of
from tests.support.peers.dicomweb import DICOM_JSON, instances
from tests.support.peers.listeners import answering, closing, hanging, scripted_listener, web_server
from tests.support.peers.ports import free_port

UIDS = ("1.2.3", "1.2.3.4", "1.2.3.4.5")
UID = UIDS[2]
ELSEWHERE = json.dumps([{"0020000D": {"vr": "UI", "Value": ["1.2.3"]}}]).encode()

ANSWERS: dict[str, tuple[int, bytes, str, str]] = {
    "it": (200, instances(UID), "held", ""),
    "it alone, without a list": (200, instances(UID)[1:-1], "held", ""),
    "all of the series": (200, instances("1.2", UID, "1.3"), "held", ""),
    "a part with it": (206, instances("1.2", UID), "held", ""),
    "nothing": (204, b"", "not-held", ""),
    "an empty list": (200, b"[]", "not-held", ""),
    "others": (200, instances("1.2", "1.2.3.4.56", "1.2.3.4"), "not-held", ""),
    "a part without it": (206, instances("1.2"), "cannot-ask", "not-dicomweb"),
    "series": (200, ELSEWHERE, "cannot-ask", "not-dicomweb"),
    "a page": (200, b"<html>sign in</html>", "cannot-ask", "not-dicomweb"),
    "a number": (200, b"7", "cannot-ask", "not-dicomweb"),
    "no such resource": (404, b"", "cannot-ask", "http-not-found"),
    "a wrong token": (401, b"", "cannot-ask", "http-unauthorised"),
    "what it does not know": (400, b"", "cannot-ask", "http-refused"),
    "a redirection": (302, b"", "cannot-ask", "http-redirected"),
    "a failure": (503, b"", "cannot-ask", "http-server-error"),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_what_an_answer_means(case: str) -> None:
    status, body, state, code = ANSWERS[case]
    with web_server(lambda request: (status, DICOM_JSON, body)) as web:
        found = held_by_qido(vna_of(settings_to_vna(web.url("/dicom-web/"))), *UIDS)
    assert (found.state, found.code) == (state, code)
    assert bool(found.why) == (state == "cannot-ask")
    (request,) = web.requests
    assert (request.method, request.headers["accept"]) == ("GET", "application/dicom+json")
    assert request.path == "/dicom-web/studies/1.2.3/series/1.2.3.4/instances?SOPInstanceUID=1.2.3.4.5"


def test_an_archive_that_does_not_answer_cannot_be_asked() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert asked(url).code == "connection-refused"
    for act, code in (
        (closing, "connection-lost"),
        (hanging(5), "response-timeout"),
        (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + b" " * 9000), "answer-too-large"),
    ):
        with scripted_listener(act, until=b"\r\n\r\n") as web:
            found = asked(f"http://127.0.0.1:{web.port}")
        assert (found.state, found.code) == ("cannot-ask", code)


def asked(url: str) -> Holding:
    return held_by_qido(vna_of(settings_to_vna(url, response_timeout_s=1, response_bytes_max=1024)), *UIDS)
