"""A result that its archive has not confirmed is asked for by query: one that is listed there has arrived.

What a query proves is entered as an answer to a request, like a report on storage commitment, and means the same for
the delivery (scp_node.workflow.commitment_book).
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass

from scp_node.deliver.dimse.peer import peer_of
from scp_node.deliver.dimse.query import Queried, is_held
from scp_node.ledger import DeliveryRow, JobRow, ResultRow
from scp_node.ledger.records import now_utc
from scp_node.settings import RemoteAE
from scp_node.workflow.commitment_book import LISTED, NO_SUCH_OBJECT, CommitmentBook
from scp_node.workflow.services import Services

log = logging.getLogger(__name__)
QUERY = "query-"
NOT_LISTED = "it does not list the result"


@dataclass(frozen=True)
class Verification:
    """One delivery that is asked about."""

    job: JobRow
    delivery: DeliveryRow
    result: ResultRow
    remote: RemoteAE

    @property
    def number(self) -> int:
        """Which query it is. A request for storage commitment may have been the first attempt of the job: it counts."""
        return self.job.attempt


def verify(services: Services, case: Verification) -> str | None:
    """Ask once. None: the delivery is decided, or will be asked about again. Else why it stays as it is, in words."""
    peer, result = peer_of(services.settings(), case.remote), case.result
    outcome = is_held(peer, case.job.study_instance_uid, result.series_instance_uid, result.sop_instance_uid)
    if outcome.queried is Queried.NOT_OFFERED:
        return f"not confirmed: {outcome.message}"
    asking = services.retries()["query"]
    if outcome.answers:
        _enter(services, case, None)
    elif not asking.is_exhausted(case.number):
        _again(services, case, outcome.message or NOT_LISTED)
    elif outcome.queried is Queried.ANSWERED:
        _enter(services, case, NO_SUCH_OBJECT)
    else:
        return f"not confirmed after {case.number} queries: {outcome.message}"
    return None


def _enter(services: Services, case: Verification, reason: int | None) -> None:
    delivery, result, job = case.delivery, case.result, case.job
    book = CommitmentBook(services.ledger, services.jobs, services.retries)
    with services.ledger.transaction(job.study_instance_uid) as tx:
        services.jobs.hold(tx, job)
        uid = f"{QUERY}{uuid.uuid4()}"
        tx.commitments.add(uid, delivery.id, case.remote.ae_title, result.sop_class_uid, result.sop_instance_uid)
        request = tx.commitments.get(uid)
        assert request is not None
        book.enter(tx, request, reason, LISTED)
        services.jobs.finish(tx, job)


def _again(services: Services, case: Verification, why: str) -> None:
    asking = services.retries()["query"]
    number = f"{case.number} of {asking.attempts_max}"
    told = f"{case.delivery.destination} was asked by query, {number}: {why}"
    with services.ledger.transaction(case.job.study_instance_uid) as tx:
        tx.events.add(case.job.study_instance_uid, case.delivery.result_uid, "commitment", told)
        services.jobs.again(tx, case.job, now_utc() + asking.wait(case.number), why)
    log.info(
        "result not found by query",
        extra={"result_uid": case.delivery.result_uid, "destination": case.delivery.destination, "detail": why},
    )
