"""The console over an empty ledger."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scp_node.ledger import Ledger
from tests.support.web.visitors import ServedConsole, served_console


@pytest.fixture
def database() -> str:
    """What a page asks the ledger is asked in every database by the tests of queries and operations."""
    return "sqlite"


@pytest.fixture
def console(tmp_path: Path, ledger: Ledger) -> Iterator[ServedConsole]:
    """On a port of its own; `console.client("viewer")` is the browser of somebody of that role."""
    with served_console(tmp_path, ledger) as one:
        yield one
