"""One part of the pages, as a visitor of a test gets it from a real port."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from scp_node.ledger.account_records import Role
from scp_node.settings import Web
from scp_node.web.access.visitor import Visitor
from scp_node.web.application import build_app
from scp_node.web.context import WebContext
from scp_node.web.server import WebServer
from tests.support.peers.ports import free_port

CSRF = "of-this-visitor"


class _Entered:
    """Everybody who comes is this visitor."""

    def __init__(self, app: ASGIApp, visitor: Visitor) -> None:
        self._app, self._visitor = app, visitor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["visitor"] = self._visitor
        await self._app(scope, receive, send)


@contextmanager
def visited(context: WebContext, router: APIRouter, role: Role = "admin") -> Iterator[httpx.Client]:
    """The pages of `router` for somebody of that role. Redirects are not followed."""
    app = FastAPI()
    app.exception_handlers.update(build_app(context, list).exception_handlers)
    app.state.context = context
    app.include_router(router)
    app.add_middleware(_Entered, visitor=Visitor("ada", role, CSRF))
    server = WebServer(Web(port=free_port()), app)
    server.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", trust_env=False, timeout=30) as client:
            yield client
    finally:
        server.stop()
