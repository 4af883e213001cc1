"""The filled ledger that questions are put to: nothing can be written to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scp_node.ledger import Ledger
from tests.unit.queries.cases import fill, read_only


@pytest.fixture
def ledger(database: str, tmp_path: Path) -> Iterator[Ledger]:
    fill(tmp_path)
    with read_only(tmp_path) as one:
        yield one
