"""A ledger with a spool and previews beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scp_node.host.disk_space import DiskLimits
from scp_node.ledger import Ledger
from scp_node.retention.sweep import Sweep
from scp_node.settings import Retention
from scp_node.storage.previews import PreviewStore
from scp_node.storage.spool import Spool
from tests.support.ledger.ledgers import new_ledger

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass
class Kept:
    """What a node keeps in a folder, at the moment `now` of a made clock."""

    ledger: Ledger
    spool: Spool
    previews: PreviewStore
    now: datetime = NOW

    def sweep(self, **settings: Any) -> Sweep:
        made = Retention.model_validate({"makes_room": False, **settings})
        return Sweep(self.ledger, self.spool, self.previews, lambda: made, lambda: self.now)

    def files(self) -> int:
        return sum(1 for _ in self.spool.root.glob("*/*.dcm"))


@pytest.fixture
def kept(database: str, tmp_path: Path) -> Iterator[Kept]:
    yield from _kept(tmp_path, DiskLimits())


@pytest.fixture
def kept_on_small_disk(database: str, tmp_path: Path) -> Iterator[Kept]:
    """Nearly full at 950 bytes of files."""
    yield from _kept(tmp_path, DiskLimits(spool_bytes_max=1000))


def _kept(folder: Path, limits: DiskLimits) -> Iterator[Kept]:
    ledger = new_ledger(folder)
    yield Kept(ledger, Spool(folder / "spool", limits), PreviewStore(folder / "previews"))
    ledger.engine.dispose()
