"""A node with a few received films."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ledger.node_data import NodeFolder, films, node_folder


@pytest.fixture
def node(tmp_path: Path) -> Iterator[NodeFolder]:
    """Two studies, of two films and of one."""
    opened = node_folder(tmp_path / "node")
    opened.receive(*films(2), *films(1, study=2))
    yield opened
    opened.ledger.engine.dispose()
