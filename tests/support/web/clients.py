"""Asks the application of a test over HTTP, as somebody of a role."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from scp_node.host.nameless_file import path_of
from scp_node.ledger import Ledger
from scp_node.ledger.account_records import Role
from scp_node.web.access.cookies import NAME, csrf_of
from scp_node.web.access.guard import HEADER
from scp_node.web.application import build_app
from scp_node.web.pictures.desk import PictureDesk
from scp_node.web.pictures.frames import Frame
from scp_node.web.server import WebServer
from tests.support.web.contexts import web_context
from tests.support.web.visitors import session_of

JUDGED: dict[str, Any] = {
    "result": "Potentially Pneumonia",
    "prediction": "95.1230",
    "model": "pneumonia@2.0.0",
    "title": "Pneumonia",
    "findings": [],
    "declined": None,
    "notes": [],
    "statement": "for research",
    "provider": "cpu",
}


class ScriptedDesk(PictureDesk):
    """Answers every upload with `answer`, or raises it, and keeps what it was asked."""

    def __init__(self, answer: dict[str, Any] | Exception = JUDGED) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str, dict[str, Any], bytes]] = []

    def ask(
        self,
        lane: str,
        task: str,
        arguments: dict[str, Any],
        blobs: Sequence[bytes] = (),
        timeout_s: float = 60.0,
        descriptor: int | None = None,
    ) -> Frame:
        assert descriptor is not None
        self.asked.append((lane, task, arguments, path_of(descriptor).read_bytes()))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer, [b"png"] if arguments["heatmap"] else []


@dataclass(frozen=True)
class AskedNode:
    """The application on a port of its own, and a client that asks it as one visitor."""

    app: FastAPI
    client: httpx.Client


@contextmanager
def asked_node(
    folder: Path, ledger: Ledger, role: Role | None = "viewer", desk: PictureDesk | None = None, **web: Any
) -> Iterator[AskedNode]:
    """Somebody of `role` asks, nobody where it is None; `web` are settings of that section."""
    context = web_context(folder, ledger)
    settings = context.settings()
    settings = settings.model_copy(
        update={"web": settings.web.model_copy(update=web)}
    )  # also what is less than allowed
    app = build_app(replace(context, settings=lambda: settings, desk=desk or context.desk), list)
    server = WebServer(settings.web, app)
    server.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", trust_env=False, timeout=60) as client:
            if role is not None:
                secret = session_of(ledger, role)
                client.cookies.set(NAME, secret)
                client.headers[HEADER] = csrf_of(secret)
            yield AskedNode(app, client)
    finally:
        server.stop()
