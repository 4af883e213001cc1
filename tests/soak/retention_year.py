"""Many days of a node on a small disk, with a made clock.

`python -m tests.soak.retention_year FOLDER [DAYS] [STUDIES_A_DAY]`. Each day brings studies with real files, of which
some wait for an archive that is down for three days. At no moment may the spool hold more than it may, may an image be
refused, or may a file be gone of which something is still to be done.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from scp_node.host.disk_space import DiskLimits
from scp_node.ledger import Transaction
from scp_node.ledger import tables as t
from scp_node.retention.sweep import Sweep
from scp_node.settings import Retention
from scp_node.storage.previews import PreviewStore
from scp_node.storage.spool import Spool
from tests.support.ledger.done_studies import finished_studies
from tests.support.ledger.ledgers import new_ledger

DAY = timedelta(days=1)
IMAGE_BYTES, RESULT_BYTES = 400, 100
STUDY_BYTES = 2 * IMAGE_BYTES + RESULT_BYTES
SWEEPS_A_DAY = 4
ARCHIVE_DOWN_DAYS, EVERY_DAYS = 3, 20
UIDS_AT_ONCE = 500


@dataclass
class Year:
    """A node that lives through its days. `room_days`: how many days of studies the disk has room for."""

    folder: Path
    studies_a_day: int
    room_days: int
    settings: Retention
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    number: int = 0
    waiting: list[str] = field(default_factory=list)
    largest_bytes: int = 0
    ledger_bytes: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ledger = new_ledger(self.folder)
        self.bytes_max = self.room_days * self.studies_a_day * STUDY_BYTES
        self.spool = Spool(self.folder / "spool", DiskLimits(spool_bytes_max=self.bytes_max))
        self.previews = PreviewStore(self.folder / "previews")
        self.sweep = Sweep(self.ledger, self.spool, self.previews, lambda: self.settings, lambda: self.now)

    def live(self, days: int) -> None:
        for day in range(days):
            is_down = day % EVERY_DAYS < ARCHIVE_DOWN_DAYS
            for _ in range(SWEEPS_A_DAY):
                self.now += DAY / SWEEPS_A_DAY
                self._receive(self.studies_a_day // SWEEPS_A_DAY, is_down)
                self._deliver(is_down)
                self.sweep.sweep()
                self._check_waiting()
            self.ledger_bytes.append((self.folder / "ledger.db").stat().st_size)
            if day % 30 == 29:
                print(f"day {day + 1}: ledger {self.ledger_bytes[-1] / 2**20:.1f} MiB", flush=True)

    def _receive(self, count: int, is_down: bool) -> None:
        with self.ledger.transaction() as tx:
            self.spool.check_room(count * STUDY_BYTES)  # raises OutOfResources
            numbers = range(self.number + 1, self.number + count + 1)
            self.number += count
            uids = finished_studies(tx, self.spool, numbers, self.now, IMAGE_BYTES, RESULT_BYTES)
            if is_down:
                self.waiting += uids
                self._set_deliveries(tx, uids, "waiting")
        held = sum(path.stat().st_size for path in self.spool.root.glob("*/*.dcm"))
        self.largest_bytes = max(self.largest_bytes, held)
        assert held <= self.bytes_max

    def _deliver(self, is_down: bool) -> None:
        """The archive is there again: what waits is delivered now."""
        if is_down:
            return
        with self.ledger.transaction() as tx:
            self._set_deliveries(tx, self.waiting, "done")
        self.waiting = []

    def _set_deliveries(self, tx: Transaction, uids: Sequence[str], state: str) -> None:
        for start in range(0, len(uids), UIDS_AT_ONCE):
            mine = (t.job.c.study_instance_uid.in_(uids[start : start + UIDS_AT_ONCE]), t.job.c.kind == "delivery")
            tx.connection.execute(sa.update(t.job).where(*mine).values(state=state, changed_at=self.now))

    def _check_waiting(self) -> None:
        with self.ledger.reading() as tx:
            for start in range(0, len(self.waiting), UIDS_AT_ONCE):
                uids = self.waiting[start : start + UIDS_AT_ONCE]
                mine = t.instance.c.study_instance_uid.in_(uids)
                names = list(tx.connection.execute(sa.select(t.instance.c.spool_name).where(mine)).scalars())
                assert len(names) == 2 * len(uids) and all(map(self.spool.holds, names))


def main(folder: Path, days: int, studies_a_day: int) -> None:
    started = time.monotonic()
    year = Year(folder, studies_a_day, 12, Retention(images_days=10, results_days=60, studies_days=90))
    year.live(days)
    with year.ledger.reading() as tx:
        went: dict[str, tuple[int, int]] = {}
        for one in tx.removals.days_since(datetime(2026, 1, 1).date()):  # noqa: DTZ001  a day has no zone
            files, amount = went.get(one.reason, (0, 0))
            went[one.reason] = (files + one.files, amount + one.bytes)
        studies = tx.connection.execute(sa.select(sa.func.count()).select_from(t.study)).scalar_one()
    print(f"{year.number} studies in {days} days, {time.monotonic() - started:.0f} s; the ledger knows {studies}")
    print(f"the spool held {year.largest_bytes} of {year.bytes_max} bytes at most; removed (files, bytes): {went}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int((sys.argv[2:] or ["365"])[0]), int((sys.argv[3:] or ["200"])[0]))
