"""Commits received instances and their jobs to the ledger; those that come at the same time share one commit."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from scp_node.ledger.database import is_failed_fsync, is_unavailable
from scp_node.ledger.records import CHANGES, AddOutcome, ReceivedInstance
from scp_node.storage.blobs import Blobs

COMMIT_INSTANCES_MAX = 64


class InstanceLedger(Protocol):
    """Where received instances are entered; `enter` makes one commit."""

    def outcome_if_known(self, record: ReceivedInstance) -> AddOutcome | None: ...

    def enter(self, records: Sequence[ReceivedInstance]) -> list[AddOutcome]: ...


class GroupCommit:
    """One for all associations. A commit costs a write to the disk, and the database makes one at a time: the thread
    that comes first therefore commits what all waiting threads have handed in.

    `after_commit` is called when there is new work. After a failed fsync, of the ledger or of `spool`, nothing more is
    entered.
    """

    def __init__(self, ledger: InstanceLedger, spool: Blobs, after_commit: Callable[[], None]) -> None:
        self._ledger, self._spool, self._after_commit = ledger, spool, after_commit
        self._entering = threading.Lock()
        self._waiting: deque[_Entry] = deque()

    def outcome_if_known(self, record: ReceivedInstance) -> AddOutcome | None:
        """What entering would come to, when the ledger knows the SOP Instance UID already."""
        return self._ledger.outcome_if_known(record)

    def enter(self, record: ReceivedInstance) -> AddOutcome:
        """Row and job are durable when this returns. Raises whatever the database raised."""
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
        """Commit until nobody waits: the caller's own entry is among those that do."""
        while self._waiting:
            self._enter([self._waiting.popleft() for _ in range(min(len(self._waiting), COMMIT_INSTANCES_MAX))])

    def _enter(self, entries: Sequence[_Entry]) -> None:
        """Commit the entries together; when that fails, each by itself, so that none fails because of another. A
        database that fails as a whole is not asked for each: their senders, and those that wait, are told at once."""
        try:
            self._commit(entries)
        except Exception as error:  # noqa: BLE001  it is raised again in the thread that waits for the entry
            if len(entries) == 1 or is_unavailable(error):
                waiting = [self._waiting.popleft() for _ in range(len(self._waiting))] if is_unavailable(error) else []
                for entry in (*entries, *waiting):
                    entry.error = error
                return
            for entry in entries:
                self._enter([entry])

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
        if not {"added", *CHANGES}.isdisjoint(outcomes):
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
