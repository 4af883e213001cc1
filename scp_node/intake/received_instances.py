"""Received instances and the jobs that analyse them, in the ledger: row and job in one commit."""

from __future__ import annotations

from collections.abc import Sequence

from scp_node.engine.jobs import JobQueue
from scp_node.intake.image_jobs import image_job
from scp_node.ledger import AddOutcome, Ledger, ReceivedInstance, Transaction
from scp_node.ledger.records import now_utc


class ReceivedInstances:
    """Enters what came in. Thread-safe."""

    def __init__(self, ledger: Ledger, jobs: JobQueue) -> None:
        self._ledger, self._jobs = ledger, jobs

    def outcome_if_known(self, record: ReceivedInstance) -> AddOutcome | None:
        """What entering would come to; None while the ledger does not know the SOP Instance UID."""
        with self._ledger.reading() as tx:
            return tx.instances.outcome_if_known(record)

    def enter(self, records: Sequence[ReceivedInstance]) -> list[AddOutcome]:
        """Enter all of them in one commit, durable when this returns; whatever the database raised is raised."""
        with self._ledger.transaction() as tx:
            return [self._enter(tx, record) for record in records]

    def _enter(self, tx: Transaction, record: ReceivedInstance) -> AddOutcome:
        outcome = tx.instances.add(record)
        if outcome == "added":
            self._jobs.put(tx, image_job(record, now_utc()))
        return outcome
