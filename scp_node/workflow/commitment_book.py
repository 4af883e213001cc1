"""Storage commitment in the ledger: a request is entered before it is made, a report counts once (PS3.4 J).

A report may come on any association with the archive that was asked, to the worker that asked or to the receiver, and
more than once. Whoever gets it gives it to `CommitmentBook.take`.
"""

from __future__ import annotations

import logging
import uuid
from datetime import timedelta
from enum import Enum

import sqlalchemy as sa

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
    ObjectReference,
    Reply,
    read_report,
)
from scp_node.dimse.uids import COMMITMENT_INSTANCE, STORAGE_COMMITMENT
from scp_node.engine.jobs import JobQueue, delivery_job_id
from scp_node.ledger import CommitmentRow, DeliveryRow, Ledger, ResultRow
from scp_node.ledger.records import now_utc

log = logging.getLogger(__name__)
# A result that the archive says it lost is sent this often in all; after that a person has to look.
SENT_MAX = 3
SENT_AGAIN_AFTER = timedelta(seconds=60)


class Remedy(Enum):
    """What helps when an archive does not commit an object."""

    SEND_AGAIN = "sent again"
    NOTHING = "given up"


# PS3.3 C.14.1.1, as archives use them.
FAILURE_REASONS: dict[int, tuple[str, Remedy]] = {
    0x0110: ("it failed to process the request", Remedy.SEND_AGAIN),
    0x0112: ("it does not have the object", Remedy.SEND_AGAIN),
    0x0119: ("it has the object under another SOP class", Remedy.NOTHING),
    0x0122: ("it does not commit objects of this SOP class", Remedy.NOTHING),
    0x0131: ("it took the Transaction UID for a repeated one", Remedy.SEND_AGAIN),
    0x0213: ("it has no resources", Remedy.SEND_AGAIN),
}
UNKNOWN_REASON = ("it gives a reason that the standard does not know", Remedy.SEND_AGAIN)


class CommitmentBook:
    """Requests and reports; thread-safe, one transaction each."""

    def __init__(self, ledger: Ledger, jobs: JobQueue) -> None:
        self._ledger, self._jobs = ledger, jobs

    def open(self, delivery: DeliveryRow, result: ResultRow, ae_title: str) -> str:
        """Enter a request and return its Transaction UID, durable before anybody is asked."""
        transaction_uid = f"2.25.{uuid.uuid4().int}"
        with self._ledger.transaction() as tx:
            self._ledger.add_commitment(
                tx, transaction_uid, delivery.id, ae_title, result.sop_class_uid, result.sop_instance_uid
            )
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
            request = self._ledger.commitment(tx, report.transaction_uid, to_answer=True)
            if request is None or request.ae_title != event.ae_title:
                return UNKNOWN_TRANSACTION
            if not _is_about(report, request):
                return OTHER_OBJECTS
            if request.state == "requested":
                self._enter(tx, request, report.references[0])
        return ENTERED

    def _enter(self, tx: sa.Connection, request: CommitmentRow, reference: ObjectReference) -> None:
        reason, ledger = reference.failure_reason, self._ledger
        ledger.answer_commitment(tx, request.transaction_uid, "committed" if reason is None else "failed", reason)
        delivery = ledger.delivery(tx, request.delivery_id)
        if delivery.state != "sent" or delivery.result_uid != request.sop_instance_uid:
            return  # a late answer: the result was given up, is committed or is on its way again
        job = ledger.job(tx, delivery_job_id(delivery.id))
        assert job is not None, "a delivery has a job"
        if reason is None:
            detail = f"{delivery.destination} has committed to keep it"
            ledger.update_delivery(tx, delivery.id, state="committed", detail=detail)
        else:
            meaning, remedy = FAILURE_REASONS.get(reason, UNKNOWN_REASON)
            detail = f"{delivery.destination} does not commit to keep it: {meaning} [reason 0x{reason:04X}]"
            failures = sum(row.state == "failed" for row in ledger.commitments_of(tx, delivery.id))
            if remedy is Remedy.SEND_AGAIN and failures < SENT_MAX:
                due_at = now_utc() + SENT_AGAIN_AFTER
                ledger.update_delivery(tx, delivery.id, state="failed", next_attempt_at=due_at, detail=detail)
                self._jobs.again(tx, job, due_at, detail)
            else:
                ledger.update_delivery(tx, delivery.id, state="dead", next_attempt_at=None, detail=detail)
                self._jobs.bury(tx, job, detail)
        ledger.add_event(tx, job.study_instance_uid, request.sop_instance_uid, "commitment", detail)
        self._jobs.end_commitment(tx, delivery.id, delivery.attempts)
        log.log(
            logging.INFO if reason is None else logging.ERROR,
            f"delivery {'committed' if reason is None else 'not committed'}",
            extra={
                "result_uid": request.sop_instance_uid,
                "destination": delivery.destination,
                "reason": "" if reason is None else f"0x{reason:04X}",
            },
        )


def _is_about(report: CommitmentReport, request: CommitmentRow) -> bool:
    if len(report.references) != 1:
        return False
    reference = report.references[0]
    asked = (request.sop_class_uid, request.sop_instance_uid)
    return (reference.sop_class_uid, reference.sop_instance_uid) == asked
