"""Enters received instances, with their jobs, into the ledger: those that come at the same time in one commit."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from scp_node.ledger.database import is_failed_fsync
from scp_node.ledger.records import AddOutcome, ReceivedInstance
from scp_node.storage.spool import Spool

COMMIT_INSTANCES_MAX = 64


class InstanceLedger(Protocol):
    """Where received instances are entered; `enter` makes one commit."""

    def outcome_if_known(self, record: ReceivedInstance) -> AddOutcome | None: ...

    def enter(self, records: Sequence[ReceivedInstance]) -> list[AddOutcome]: ...


class GroupCommit:
    """One for all associations. Whoever comes first enters for all who wait; a commit costs a write to the disk, and
    the database takes one at a time in any case. `after_commit` is called when there is new work. `spool` is where the
    files are: after a failed fsync of either nothing more is entered."""

    def __init__(self, ledger: InstanceLedger, spool: Spool, after_commit: Callable[[], None]) -> None:
        self._ledger, self._spool, self._after_commit = ledger, spool, after_commit
        self._entering = threading.Lock()
        self._waiting: deque[_Entry] = deque()

    def outcome_if_known(self, record: ReceivedInstance) -> AddOutcome | None:
        """What entering would come to, when the ledger knows the SOP Instance UID already."""
        return self._ledger.outcome_if_known(record)

    def enter(self, record: ReceivedInstance) -> AddOutcome:
        """Row and job are durable when this returns; whatever the database raised is raised here."""
        entry = _Entry(record)
        self._waiting.append(entry)
        with self._entering:
            if not entry.is_over:
                self._enter_waiting()
        if entry.error is not None:
            raise entry.error
        assert entry.outcome is not None
        return entry.outcome

    def _enter_waiting(self) -> None:
        """The caller's own entry is among those that wait, and all before it: at most a few commits are made."""
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), COMMIT_INSTANCES_MAX))]
            try:
                self._commit(batch)
            except Exception as error:  # noqa: BLE001  each of them is told
                if len(batch) == 1:
                    batch[0].error = error
                else:
                    self._enter_one_by_one(batch)

    def _enter_one_by_one(self, batch: Sequence[_Entry]) -> None:
        """One of them may be what the database did not take: the others must not suffer for it."""
        for entry in batch:
            try:
                self._commit([entry])
            except Exception as error:  # noqa: BLE001  it is raised where it belongs
                entry.error = error

    def _commit(self, batch: Sequence[_Entry]) -> None:
        self._spool.check_health()
        try:
            outcomes = self._ledger.enter([entry.record for entry in batch])
        except SQLAlchemyError as error:
            if is_failed_fsync(error):
                self._spool.distrust("fsync of the ledger")
                self._spool.check_health()
            raise
        for entry, outcome in zip(batch, outcomes, strict=True):
            entry.outcome = outcome
        if "added" in outcomes:
            self._after_commit()


class _Entry:
    """A record that waits, and what became of it."""

    def __init__(self, record: ReceivedInstance) -> None:
        self.record = record
        self.outcome: AddOutcome | None = None
        self.error: Exception | None = None

    @property
    def is_over(self) -> bool:
        return self.outcome is not None or self.error is not None
