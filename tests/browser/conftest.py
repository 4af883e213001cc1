"""A browser and a node for each module, and visitors who have signed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from scp_node.ledger.account_records import ROLES, Role
from scp_node.web.access.cookies import NAME
from tests.support.node.node import RunningNode
from tests.support.web.browser import WIDE, chromium, new_context
from tests.support.web.visitors import session_of

Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


@pytest.fixture(scope="module")
def archives() -> dict[str, tuple[str, int]]:
    """Where the node sends results: AE title and port by name. This one is away; a module may have others."""
    return {"archive": ("ARCHIVE", 104)}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, archives: dict[str, tuple[str, int]]) -> Iterator[RunningNode]:
    one = RunningNode(tmp_path_factory.mktemp("node"), archives)
    try:
        one.start()
        yield one
    finally:
        one.stop()


@pytest.fixture(scope="module")
def sessions(node: RunningNode) -> dict[Role, str]:
    """The cookies of somebody of each role."""
    ledger = node.ledger()
    try:
        return {role: session_of(ledger, role) for role in ROLES}
    finally:
        ledger.engine.dispose()


def is_error(said: ConsoleMessage) -> bool:
    """Of a page, that is: Chromium also tells of each upload that the node refuses, which the page shows itself."""
    return said.type == "error" and not said.location["url"].endswith("/api/predict")


@pytest.fixture
def visit(browser: Browser, node: RunningNode, sessions: dict[Role, str], tmp_path: Path) -> Iterator[Visit]:
    """Opens a page as somebody who has signed in: visit(path, role="viewer", size=..., theme=...); as a stranger with
    role=None."""
    contexts = []
    errors: list[str] = []

    def opened(path: str, role: Role | None = "admin", size: tuple[int, int] = WIDE, theme: str = "dark") -> Page:
        address = f"http://127.0.0.1:{node.web_port}"
        context = new_context(browser, address, size, theme)
        contexts.append(context)
        if role is not None:
            cookie = {"name": NAME, "value": sessions[role], "url": address, "httpOnly": True, "sameSite": "Strict"}
            context.add_cookies([cookie])  # type: ignore[list-item]
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if is_error(said) else None)
        page.goto(path)
        return page

    yield opened
    for one in contexts:
        one.close()
    assert not errors
