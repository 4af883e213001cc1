"""A receiver of a test: its settings, an in-memory twin of ledger and job queue, and what is left in its spool."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydicom import Dataset, dcmread, dcmwrite

from scp_node.intake.group_commit import GroupCommit, InstanceLedger
from scp_node.intake.store import Store
from scp_node.ledger.records import CHANGES, AddOutcome, ReceivedInstance
from scp_node.receive.callers import CallerBook
from scp_node.receive.commitment_reports import NoRequests
from scp_node.receive.scp import StorageScp
from scp_node.receive.shared import Shared
from scp_node.settings import Settings
from scp_node.storage.blobs import Blobs
from scp_node.storage.spool import Spool

MODALITY, SECOND_MODALITY = "MODALITY", "STORESCU"


class MemoryLedger:
    """Ledger and job queue in one: rows appear when a transaction ends well, and not before."""

    def __init__(self, *, refuses_changes: bool = False) -> None:
        self.rows: dict[str, ReceivedInstance] = {}
        self.seen: set[tuple[str, str]] = set()
        self.refuses_changes = refuses_changes
        self.jobs: list[tuple[str, str]] = []
        self.failure: Exception | None = None
        self.failure_at_commit: Exception | None = None
        self._lock = threading.Lock()

    def outcome_if_known(self, record: ReceivedInstance) -> AddOutcome | None:
        return self._outcome(record, self.rows, self.seen)

    def _outcome(
        self, record: ReceivedInstance, rows: dict[str, ReceivedInstance], seen: set[tuple[str, str]]
    ) -> AddOutcome | None:
        known = rows.get(record.sop_instance_uid)
        if known is None or known.digest == record.digest:
            return None if known is None else "identical"
        if self.refuses_changes:
            return "conflict"
        return "returned" if (record.sop_instance_uid, record.digest) in seen else "changed"

    def enter(self, records: Sequence[ReceivedInstance]) -> list[AddOutcome]:
        with self._lock:
            if self.failure is not None:
                raise self.failure
            outcomes, rows, seen = list[AddOutcome](), dict(self.rows), set(self.seen)
            for record in records:
                outcomes.append(self._outcome(record, rows, seen) or "added")
                if outcomes[-1] in ("added", *CHANGES):
                    rows[record.sop_instance_uid] = record
                    seen.add((record.sop_instance_uid, record.digest))
            if self.failure_at_commit is not None:
                raise self.failure_at_commit
            self.rows, self.seen = rows, seen
            entered = (one for one, outcome in zip(records, outcomes, strict=True) if outcome in ("added", *CHANGES))
            self.jobs += [(record.sop_instance_uid, record.digest) for record in entered]
            return outcomes


def receiving_settings(
    folder: Path,
    ae_title: str = "HILUM",
    tls: dict[str, Any] | None = None,
    sender: dict[str, Any] | None = None,
    **receiver: Any,
) -> Settings:
    """`receiver` are its limits, `sender` is what else is asked of the remote AE pacs."""
    return Settings.model_validate(
        {
            "tls": tls or {},
            "node": {"ae_title": ae_title, "bind": "127.0.0.1", "data_dir": str(folder)},
            "remote_aes": {
                "pacs": {"ae_title": MODALITY, "host": "127.0.0.1", "port": 104, "may_send": True, **(sender or {})},
                "other": {"ae_title": SECOND_MODALITY, "host": "127.0.0.1", "port": 104, "may_send": True},
                "archive": {"ae_title": "ARCHIVE", "host": "127.0.0.1", "port": 104},
            },
            "routes": [{"name": "chest", "model": "pneumonia", "to": ["archive"]}],
            "receiver": receiver,
        }
    )


def shared_in(folder: Path) -> Shared:
    """What the associations of a receiver share that has no listener."""
    ledger, spool = MemoryLedger(), Spool(folder / "spool")
    return Shared(
        receiving_settings(folder), Store(spool, GroupCommit(ledger, spool, lambda: None)), NoRequests(), CallerBook()
    )


@contextmanager
def running_receiver(
    folder: Path, ledger: InstanceLedger, spool: Blobs | None = None, **limits: Any
) -> Iterator[StorageScp]:
    """A receiver on a free port; its spool is `folder`/spool unless another is given."""
    receiver = StorageScp(receiving_settings(folder, **limits), spool or Spool(folder / "spool"), ledger, port=0)
    receiver.start()
    try:
        yield receiver
    finally:
        receiver.stop(drain_s=5)


def data_set_bytes(ds: Dataset) -> bytes:
    """The data set of `ds` as a sender would put it on the wire."""
    file = io.BytesIO()
    dcmwrite(file, ds, enforce_file_format=True)
    return data_set_of(file.getvalue())


def data_set_of(part10: bytes) -> bytes:
    """What follows the file meta information."""
    assert part10[128:132] == b"DICM"
    length = int.from_bytes(part10[140:144], "little")
    return part10[144 + length :]


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def spooled(path: Path) -> Dataset:
    return dcmread(path)
