"""The console over a ledger of its own, and somebody of each role who looks at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from scp_node.ledger import Ledger
from scp_node.ledger.account_records import Role
from tests.support.web.visitors import ServedConsole, served_console

Console = ServedConsole
Visitor = Callable[..., httpx.Client]


@pytest.fixture
def console(tmp_path: Path, ledger: Ledger) -> Iterator[Console]:
    with served_console(tmp_path, ledger) as served:
        yield served
        served.context.desk.close()


@pytest.fixture
def as_role(console: Console) -> Visitor:
    """as_role("viewer"): the browser of somebody of this role, who reads this language."""

    def browser(role: Role = "viewer", language: str = "en") -> httpx.Client:
        return console.client(role, headers={"Accept-Language": language})

    return browser
