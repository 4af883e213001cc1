"""What happens to one result after it was sent to an archive that is to confirm it: asked, and asked again.

The report of the archive is entered by whoever gets it (scp_node.workflow.commitment_book). When none came, the result
stays 'sent' with a note, and nothing is sent twice because of it.
"""

from __future__ import annotations

import logging
from datetime import timedelta

import sqlalchemy as sa

from scp_node.deliver.dimse.commitment import Asked, AskOutcome, CommitmentRequest, ask
from scp_node.deliver.dimse.peer import peer_of
from scp_node.dimse.uids import STORAGE_COMMITMENT
from scp_node.ledger import DeliveryRow, JobRow, ResultRow
from scp_node.ledger.records import now_utc
from scp_node.workflow.commitment_book import CommitmentBook
from scp_node.workflow.services import Services

log = logging.getLogger(__name__)
ASKED_MAX = 3
# An archive that does not offer storage commitment is tried again after this long: it may have been set up meanwhile.
NOT_OFFERED_FOR = timedelta(hours=1)
NO_REPORT = "no report came"
NOT_OFFERED = "not confirmed: the archive does not offer Storage Commitment"


def plan_commitment(
    tx: sa.Connection, parts: Services, delivery: DeliveryRow, attempts: int, study_instance_uid: str, detail: str
) -> str:
    """In the transaction that enters a delivery as sent: have the archive asked, if it is to confirm. Returns the
    detail of the delivery."""
    remote = parts.settings().remote_aes.get(delivery.destination)
    if remote is None or not remote.storage_commitment:
        return detail
    refused_at = parts.ledger.sop_class_refused_since(tx, delivery.destination, STORAGE_COMMITMENT)
    if refused_at is not None and now_utc() - refused_at < NOT_OFFERED_FOR:
        return f"{detail}; {NOT_OFFERED}"
    parts.jobs.enqueue_commitment(tx, delivery.id, attempts, delivery.destination, study_instance_uid)
    return detail


def run_commitment_job(parts: Services, job: JobRow) -> None:
    """Ask once, and see to it that the archive is asked again when no report comes."""
    with parts.ledger.reading() as tx:
        delivery = parts.ledger.delivery(tx, int(job.subject))
        result = parts.ledger.result(tx, delivery.result_uid)
    assert result is not None
    remote = parts.settings().remote_aes.get(delivery.destination)
    if delivery.state != "sent":
        _end(parts, job, delivery)
    elif remote is None or not remote.storage_commitment:
        _end(parts, job, delivery, "not confirmed: the configuration does not ask for it any more")
    elif job.attempt > ASKED_MAX:
        _end(parts, job, delivery, f"not confirmed after {ASKED_MAX} requests: {job.error}")
    else:
        outcome = _ask(parts, delivery, result, remote.ae_title)
        _remember(parts, delivery.destination, outcome)
        if outcome.asked is Asked.NOT_OFFERED:
            _end(parts, job, delivery, NOT_OFFERED)
        else:
            _ask_again_later(parts, job, delivery, outcome)


def _ask(parts: Services, delivery: DeliveryRow, result: ResultRow, ae_title: str) -> AskOutcome:
    settings, book = parts.settings(), CommitmentBook(parts.ledger, parts.jobs)
    transaction_uid = book.open(delivery, result, ae_title)

    def is_answered() -> bool:
        with parts.ledger.reading() as tx:
            row = parts.ledger.commitment(tx, transaction_uid)
        return row is not None and row.state != "requested"

    peer = peer_of(settings, settings.remote_aes[delivery.destination])
    request = CommitmentRequest(transaction_uid, result.sop_class_uid, result.sop_instance_uid)
    return ask(peer, request, book.take, is_answered, settings.delivery.keep_open_s)


def _remember(parts: Services, destination: str, outcome: AskOutcome) -> None:
    """What the archive offers; a change is worth a line in the log, and no more than one."""
    if outcome.asked is Asked.FAILED:
        return
    offered = outcome.asked is Asked.ACCEPTED
    with parts.ledger.transaction() as tx:
        known = parts.ledger.sop_class_accepted(tx, destination, STORAGE_COMMITMENT)
        if not offered or known is not True:
            parts.ledger.set_sop_class_accepted(tx, destination, STORAGE_COMMITMENT, accepted=offered)
    if known is not offered and not offered:
        log.warning("the archive does not offer storage commitment", extra={"destination": destination})


def _ask_again_later(parts: Services, job: JobRow, delivery: DeliveryRow, outcome: AskOutcome) -> None:
    due_at = now_utc() + timedelta(seconds=parts.settings().delivery.commitment_timeout_s)
    asked = f"{delivery.destination} was asked to confirm, request {job.attempt} of {ASKED_MAX}: {outcome.message}"
    with parts.ledger.transaction() as tx:
        parts.ledger.add_event(tx, job.study_instance_uid, delivery.result_uid, "commitment", asked)
        if parts.ledger.delivery(tx, delivery.id).state == "sent":
            parts.jobs.again(tx, job, due_at, NO_REPORT if outcome.asked is Asked.ACCEPTED else outcome.message)
        else:
            parts.jobs.finish(tx, job)
    log.log(
        logging.INFO if outcome.asked is Asked.ACCEPTED else logging.WARNING,
        "commitment requested" if outcome.asked is Asked.ACCEPTED else "commitment not requested",
        extra={"result_uid": delivery.result_uid, "destination": delivery.destination, "detail": outcome.message},
    )


def _end(parts: Services, job: JobRow, delivery: DeliveryRow, note: str = "") -> None:
    with parts.ledger.transaction() as tx:
        if note:
            _note(parts, tx, job, delivery.id, note)
        parts.jobs.finish(tx, job)


def _note(parts: Services, tx: sa.Connection, job: JobRow, delivery_id: int, note: str) -> None:
    """Leave a word with a delivery that stays sent."""
    current = parts.ledger.delivery(tx, delivery_id)
    if current.state == "sent":
        parts.ledger.update_delivery(tx, delivery_id, detail=f"{current.detail}; {note}")
        parts.ledger.add_event(tx, job.study_instance_uid, current.result_uid, "commitment", note)


def bury_commitment(parts: Services, tx: sa.Connection, job: JobRow, code: str, reason: str) -> None:
    """The archive cannot be asked; the result was sent all the same."""
    _note(parts, tx, job, int(job.subject), f"not confirmed: {code}: {reason}")
