"""Received instances and the jobs that analyse them, in the ledger: row and job in one commit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from scp_node.engine.jobs import JobQueue
from scp_node.intake.image_jobs import image_job
from scp_node.ledger import AddOutcome, Ledger, ReceivedInstance, Transaction
from scp_node.ledger.records import CHANGES, now_utc


class ReceivedInstances:
    """Enters what came in. Thread-safe. `refuses_changes` is called anew for each object: whether other bytes under a
    known SOP Instance UID are refused, or become its next version. `is_there`: whether the spool has a file."""

    def __init__(
        self,
        ledger: Ledger,
        jobs: JobQueue,
        refuses_changes: Callable[[], bool] = lambda: False,
        is_there: Callable[[str], bool] = lambda spool_name: True,
    ) -> None:
        self._ledger, self._jobs, self._refuses_changes, self._is_there = ledger, jobs, refuses_changes, is_there

    def outcome_if_known(self, record: ReceivedInstance) -> AddOutcome | None:
        """What entering would come to; None while the ledger does not know the SOP Instance UID."""
        with self._ledger.reading() as tx:
            return self._allowed(tx.instances.outcome_if_known(record))

    def enter(self, records: Sequence[ReceivedInstance]) -> list[AddOutcome]:
        """Enter all of them in one commit, durable when this returns; whatever the database raised is raised."""
        in_one_order = sorted(range(len(records)), key=lambda place: records[place].sop_instance_uid)
        with self._ledger.transaction(*(record.study_instance_uid for record in records)) as tx:
            outcomes = {place: self._enter(tx, records[place]) for place in in_one_order}
        return [outcomes[place] for place in range(len(records))]

    def _enter(self, tx: Transaction, record: ReceivedInstance) -> AddOutcome:
        tx.removals.keep(record.spool_name)
        if not self._is_there(record.spool_name):  # one of that name was on its way out, and has just gone
            return "gone"
        outcome = self._allowed(tx.instances.add(record))
        earlier_jobs = 0
        if outcome == "removed":
            tx.versions.bring_back(record)
        if outcome in CHANGES:
            outcome = tx.versions.make_current(record)
            if outcome == "returned":  # its content has had a job before
                earlier_jobs = tx.jobs.count_of(record.study_instance_uid, record.sop_instance_uid)
        if outcome == "added" or outcome in CHANGES:
            self._jobs.put(tx, image_job(record, now_utc(), earlier_jobs))
        assert outcome is not None
        return outcome

    def _allowed(self, outcome: AddOutcome | None) -> AddOutcome | None:
        return "conflict" if outcome in CHANGES and self._refuses_changes() else outcome
