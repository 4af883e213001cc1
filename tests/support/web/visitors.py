"""People who have signed in, without a page and without a password: pages are looked at by somebody of a role."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from scp_node.ledger import Ledger
from scp_node.ledger.account_records import Role, UserRow
from scp_node.ledger.records import now_utc
from scp_node.operations.signing_in import open_session
from scp_node.web.access.cookies import NAME, csrf_of
from scp_node.web.access.guard import HEADER
from scp_node.web.application import build_app
from scp_node.web.context import WebContext
from scp_node.web.database_watch import DatabaseWatch
from scp_node.web.server import WebServer
from tests.support.web.contexts import web_context

# Who has which role in tests.
PEOPLE: dict[Role, str] = {"viewer": "vera", "operator": "otto", "admin": "ada"}


@dataclass(frozen=True)
class ServedConsole:
    """The console of a test, on a port of its own."""

    app: FastAPI
    context: WebContext
    port: int
    browsers: ExitStack

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def client(self, role: Role | None = None, **options: Any) -> httpx.Client:
        """The browser of the person of this role, who sends what forms and scripts of the pages send; of a stranger
        without a role. Redirects are not followed."""
        client = self.browsers.enter_context(
            httpx.Client(**{"base_url": self.url, "trust_env": False, "timeout": 30, **options})
        )
        if role is not None:
            secret = session_of(self.context.ledger, role)
            client.cookies.set(NAME, secret)
            client.headers[HEADER] = csrf_of(secret)
        return client


@contextmanager
def served_console(folder: Path, ledger: Ledger, **web: Any) -> Iterator[ServedConsole]:
    """The whole application over this ledger; `web`: settings of that section."""
    context = web_context(folder, ledger, DatabaseWatch(ledger), **web)
    app = build_app(context, list)
    server = WebServer(context.settings().web, app)
    server.start()
    try:
        with ExitStack() as browsers:
            yield ServedConsole(app, context, server.port, browsers)
    finally:
        server.stop()


def session_of(ledger: Ledger, role: Role) -> str:
    """The secret of a new session of the person who has this role, and who is made if need be."""
    with ledger.transaction() as tx:
        tx.accounts.add(UserRow(PEOPLE[role], role, now_utc()))
        return open_session(tx, PEOPLE[role], 3600)
