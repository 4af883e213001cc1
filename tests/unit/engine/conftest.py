"""A ledger for the engine to work on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scp_node.ledger import Ledger
from tests.support.ledger.ledgers import new_ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    one = new_ledger(tmp_path)
    yield one
    one.engine.dispose()
