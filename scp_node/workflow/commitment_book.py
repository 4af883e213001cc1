"""What a report on storage commitment means for the delivery it is about; the first one on a request counts (PS3.4 J).

A report may come on any association with the archive that was asked, to the worker that asked or to the receiver, and
more than once. Whoever gets it gives it to `CommitmentBook.take`.
"""

from __future__ import annotations

import logging
import uuid
from enum import Enum

from scp_node.dimse.storage_commitment import (
    ALL_COMMITTED,
    ENTERED,
    NO_SUCH_CLASS,
    NO_SUCH_EVENT,
    NO_SUCH_INSTANCE,
    OTHER_OBJECTS,
    SOME_FAILED,
    UNKNOWN_TRANSACTION,
    CommitmentReport,
    EventReport,
    MalformedReport,
    Reply,
    read_report,
)
from scp_node.dimse.uids import COMMITMENT_INSTANCE, STORAGE_COMMITMENT
from scp_node.engine.jobs import JobQueue
from scp_node.engine.retry import Retries
from scp_node.ledger import CommitmentRow, DeliveryRow, JobRow, Ledger, ResultRow, Transaction
from scp_node.ledger.records import now_utc
from scp_node.workflow.job_kinds import commitment_job_id, delivery_job_id

log = logging.getLogger(__name__)


class Remedy(Enum):
    """What helps when an archive does not commit an object."""

    SEND_AGAIN = "sent again"
    NOTHING = "given up"


NO_SUCH_OBJECT = 0x0112
# PS3.3 C.14.1.1, as archives use them.
FAILURE_REASONS: dict[int, tuple[str, Remedy]] = {
    0x0110: ("it failed to process the request", Remedy.SEND_AGAIN),
    NO_SUCH_OBJECT: ("it does not have the object", Remedy.SEND_AGAIN),
    0x0119: ("it has the object under another SOP class", Remedy.NOTHING),
    0x0122: ("it does not commit objects of this SOP class", Remedy.NOTHING),
    0x0131: ("it took the Transaction UID for a repeated one", Remedy.SEND_AGAIN),
    0x0213: ("it has no resources", Remedy.SEND_AGAIN),
}
UNKNOWN_REASON = ("it gives a reason that the standard does not know", Remedy.SEND_AGAIN)


# How a delivery says that it is proven, behind the name of its destination.
KEPT, LISTED = "has committed to keep it", "lists it, as a query found"
PROOFS = (KEPT, LISTED)


class CommitmentBook:
    """Requests and reports; thread-safe, one transaction each."""

    def __init__(self, ledger: Ledger, jobs: JobQueue, retries: Retries) -> None:
        self._ledger, self._jobs, self._retries = ledger, jobs, retries

    def open(self, delivery: DeliveryRow, result: ResultRow, ae_title: str, asking: JobRow | None = None) -> str:
        """Enter a request and return its Transaction UID, durable before anybody is asked. Raises JobLost where the job
        that asks is its worker's no more."""
        transaction_uid = f"2.25.{uuid.uuid4().int}"
        with self._ledger.transaction(*([] if asking is None else [asking.study_instance_uid])) as tx:
            if asking is not None:
                self._jobs.hold(tx, asking)
            tx.commitments.add(transaction_uid, delivery.id, ae_title, result.sop_class_uid, result.sop_instance_uid)
        return transaction_uid

    def take(self, event: EventReport) -> Reply:
        """Enter what a report says, and how it is answered. Again the same report: again the same answer."""
        if event.sop_class_uid != STORAGE_COMMITMENT:
            return NO_SUCH_CLASS
        if event.sop_instance_uid != COMMITMENT_INSTANCE:
            return NO_SUCH_INSTANCE
        if event.event_type not in (ALL_COMMITTED, SOME_FAILED):
            return NO_SUCH_EVENT
        try:
            report = read_report(event.event_type, event.data, event.transfer_syntax_uid)
        except MalformedReport as error:
            return Reply(0x0115, str(error))
        with self._ledger.transaction() as tx:
            known = tx.commitments.get(report.transaction_uid)
            study = None if known is None else tx.studies.of_result(known.sop_instance_uid)
            if study is not None:
                tx.studies.lock(study)
            request = tx.commitments.get(report.transaction_uid, to_answer=True)
            if request is None or request.ae_title != event.ae_title:
                return UNKNOWN_TRANSACTION
            if not _is_about(report, request):
                return OTHER_OBJECTS
            if request.state == "requested":
                self.enter(tx, request, report.references[0].failure_reason, KEPT)
        return ENTERED

    def enter(self, tx: Transaction, request: CommitmentRow, reason: int | None, proof: str) -> None:
        """In the caller's transaction, which has locked the study: what `reason` says of the object of a request, None
        that the archive has it, as `proof` says in words. It counts only while the result is sent and waits for it."""
        tx.commitments.answer(request.transaction_uid, "committed" if reason is None else "failed", reason)
        delivery = tx.deliveries.get(request.delivery_id)
        if delivery.state != "sent" or delivery.result_uid != request.sop_instance_uid:
            return  # a late answer: the result was given up, is committed or is on its way again
        if reason is None:
            detail = f"{delivery.destination} {proof}"
            tx.deliveries.update(delivery.id, state="committed", detail=detail)
        else:
            detail = self._enter_failure(tx, delivery, reason)
        job = tx.jobs.get(delivery_job_id(delivery.id))
        assert job is not None, "a delivery has a job"
        tx.events.add(job.study_instance_uid, request.sop_instance_uid, "commitment", detail)
        for attempt in range(delivery.attempts + 1):  # nobody has to ask any more
            self._jobs.drop(tx, commitment_job_id(delivery.id, attempt))
        log.log(
            logging.INFO if reason is None else logging.ERROR,
            f"delivery {'committed' if reason is None else 'not committed'}",
            extra={
                "result_uid": request.sop_instance_uid,
                "destination": delivery.destination,
                "reason": "" if reason is None else f"0x{reason:04X}",
            },
        )

    def _enter_failure(self, tx: Transaction, delivery: DeliveryRow, reason: int) -> str:
        """Send the result again or give it up; returns the detail of the delivery."""
        meaning, remedy = FAILURE_REASONS.get(reason, UNKNOWN_REASON)
        detail = f"{delivery.destination} does not commit to keep it: {meaning} [reason 0x{reason:04X}]"
        failures = sum(row.state == "failed" for row in tx.commitments.of_delivery(delivery.id))
        sending = self._retries()["uncommitted-result"]
        if remedy is Remedy.SEND_AGAIN and not sending.is_exhausted(failures):
            due_at = now_utc() + sending.wait(failures)
            tx.deliveries.update(delivery.id, state="failed", next_attempt_at=due_at, detail=detail)
            self._jobs.reopen(tx, delivery_job_id(delivery.id), due_at, detail)
        else:
            tx.deliveries.update(delivery.id, state="dead", next_attempt_at=None, detail=detail)
            self._jobs.give_up(tx, delivery_job_id(delivery.id), detail)
        return detail


def _is_about(report: CommitmentReport, request: CommitmentRow) -> bool:
    if len(report.references) != 1:
        return False
    reference = report.references[0]
    asked = (request.sop_class_uid, request.sop_instance_uid)
    return (reference.sop_class_uid, reference.sop_instance_uid) == asked
