"""What happens to one result after it was sent to an archive that is to confirm it: it is asked, and asked again.

First by a request for storage commitment, whose report is entered by whoever gets it (commitment_book); where an
archive offers none, or does not report, by query (verification). When nothing is proven that way, the result stays
'sent' with a note, and nothing is sent twice because of it.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from converter.page.counted import counted
from scp_node.deliver.dimse.commitment import Asked, AskOutcome, CommitmentRequest, ask
from scp_node.deliver.dimse.peer import peer_of
from scp_node.deliver.outcomes import at_place
from scp_node.dimse.uids import STORAGE_COMMITMENT
from scp_node.ledger import DeliveryRow, JobRow, ResultRow, Transaction
from scp_node.ledger.records import now_utc
from scp_node.settings import RemoteAE
from scp_node.workflow.commitment_book import CommitmentBook
from scp_node.workflow.job_kinds import commitment_job
from scp_node.workflow.outage import note_reached
from scp_node.workflow.services import Services
from scp_node.workflow.verification import Verification, verify

log = logging.getLogger(__name__)
NO_REPORT = "no report came"
NOT_OFFERED = "not confirmed: the archive does not offer Storage Commitment"


def plan_commitment(
    tx: Transaction, services: Services, delivery: DeliveryRow, attempts: int, job: JobRow, detail: str
) -> str:
    """In the transaction that enters a delivery as sent by `job`: have the archive asked, if it is to confirm. Returns
    the detail of the delivery."""
    remote, moment = services.settings().remote_aes.get(delivery.destination), now_utc()
    if remote is None or not (remote.storage_commitment or remote.verify_by_query):
        return detail
    if not _is_offered(tx, services, remote, delivery.destination):
        if not remote.verify_by_query:
            return f"{detail}; {NOT_OFFERED}"
        moment += services.retries()["query"].wait()
    services.jobs.put(tx, commitment_job(delivery, attempts, job.study_instance_uid, moment, job.priority))
    return detail


def _is_offered(tx: Transaction, services: Services, remote: RemoteAE, destination: str) -> bool:
    """Whether storage commitment is wanted of it, and was not refused lately."""
    if not remote.storage_commitment:
        return False
    refused_at = tx.sop_classes.refused_since(destination, STORAGE_COMMITMENT)
    return refused_at is None or now_utc() - refused_at >= services.retries()["commitment-offer"].wait()


def run_commitment_job(services: Services, job: JobRow) -> None:
    """Ask once, and see to it that the archive is asked again when nothing is proven."""
    with services.ledger.reading() as tx:
        delivery = tx.deliveries.get(int(job.subject))
        result = tx.results.get(delivery.result_uid)
        remote = services.settings().remote_aes.get(delivery.destination)
        is_offered = remote is not None and _is_offered(tx, services, remote, delivery.destination)
    assert result is not None
    asking = services.retries()["commitment-request"]
    if delivery.state != "sent":
        _end(services, job, delivery)
    elif remote is None or not (remote.storage_commitment or remote.verify_by_query):
        _end(services, job, delivery, "not confirmed: the configuration does not ask for it any more")
    elif remote.verify_by_query and (job.attempt > 1 or not is_offered):
        note = verify(services, Verification(job, delivery, result, remote))
        if note is not None:
            _end(services, job, delivery, note)
    elif asking.is_exhausted(job.attempt - 1):
        _end(
            services, job, delivery, f"not confirmed after {counted(asking.attempts_max or 0, 'request')}: {job.error}"
        )
    else:
        _request(services, job, delivery, result, remote)


def _request(services: Services, job: JobRow, delivery: DeliveryRow, result: ResultRow, remote: RemoteAE) -> None:
    """Ask for storage commitment."""
    outcome = _ask(services, job, delivery, result, remote.ae_title)
    _remember(services, job, delivery.destination, outcome)
    if outcome.asked is not Asked.NOT_OFFERED:
        _ask_again_later(services, job, delivery, outcome)
    elif remote.verify_by_query:
        with services.ledger.transaction(job.study_instance_uid) as tx:
            services.jobs.again(tx, job, now_utc() + services.retries()["query"].wait(), NOT_OFFERED)
    else:
        _end(services, job, delivery, NOT_OFFERED)


def _ask(services: Services, job: JobRow, delivery: DeliveryRow, result: ResultRow, ae_title: str) -> AskOutcome:
    settings = services.settings()
    book = CommitmentBook(services.ledger, services.jobs, services.retries)
    transaction_uid = book.open(delivery, result, ae_title, job)

    def is_answered() -> bool:
        with services.ledger.reading() as tx:
            row = tx.commitments.get(transaction_uid)
        return row is not None and row.state != "requested"

    peer = peer_of(settings, settings.remote_aes[delivery.destination])
    request = CommitmentRequest(transaction_uid, result.sop_class_uid, result.sop_instance_uid)
    outcome = ask(peer, request, book.take, is_answered, settings.delivery.keep_open_s)
    return replace(outcome, message=at_place(outcome.message, delivery.destination))


def _remember(services: Services, job: JobRow, destination: str, outcome: AskOutcome) -> None:
    """Whether the archive can be reached, and what it offers; a change is worth one line in the log."""
    if outcome.asked is Asked.FAILED:
        with services.ledger.transaction(job.study_instance_uid) as tx:
            services.jobs.hold(tx, job)
            tx.unreached.enter(destination, outcome.message)
        return
    offered = outcome.asked is Asked.ACCEPTED
    with services.ledger.transaction(job.study_instance_uid) as tx:
        services.jobs.hold(tx, job)
        if offered:
            note_reached(tx, destination)
        known = tx.sop_classes.accepted(destination, STORAGE_COMMITMENT)
        if not offered or known is not True:
            tx.sop_classes.set_accepted(destination, STORAGE_COMMITMENT, accepted=offered)
    if known is not offered and not offered:
        log.warning("the archive does not offer storage commitment", extra={"destination": destination})


def _ask_again_later(services: Services, job: JobRow, delivery: DeliveryRow, outcome: AskOutcome) -> None:
    asking = services.retries()["commitment-request"]
    due_at, number = now_utc() + asking.wait(job.attempt), f"{job.attempt} of {asking.attempts_max}"
    asked = f"{delivery.destination} was asked to confirm, request {number}: {outcome.message}"
    with services.ledger.transaction(job.study_instance_uid) as tx:
        tx.events.add(job.study_instance_uid, delivery.result_uid, "commitment", asked)
        if tx.deliveries.get(delivery.id).state == "sent":
            services.jobs.again(tx, job, due_at, NO_REPORT if outcome.asked is Asked.ACCEPTED else outcome.message)
        else:
            services.jobs.finish(tx, job)
    log.log(
        logging.INFO if outcome.asked is Asked.ACCEPTED else logging.WARNING,
        "commitment requested" if outcome.asked is Asked.ACCEPTED else "commitment not requested",
        extra={"result_uid": delivery.result_uid, "destination": delivery.destination, "detail": outcome.message},
    )


def _end(services: Services, job: JobRow, delivery: DeliveryRow, note: str = "") -> None:
    with services.ledger.transaction(job.study_instance_uid) as tx:
        if note:
            _note(services, tx, job, delivery.id, note)
        services.jobs.finish(tx, job)


def _note(services: Services, tx: Transaction, job: JobRow, delivery_id: int, note: str) -> None:
    """Leave a word with a delivery that stays sent."""
    current = tx.deliveries.get(delivery_id)
    if current.state == "sent":
        tx.deliveries.update(delivery_id, detail=f"{current.detail}; {note}")
        tx.events.add(job.study_instance_uid, current.result_uid, "commitment", note)


def bury_commitment(services: Services, tx: Transaction, job: JobRow, code: str, reason: str) -> None:
    """The archive cannot be asked; the result was sent all the same."""
    _note(services, tx, job, int(job.subject), f"not confirmed: {code}: {reason}")
