"""What happens to one result on its way to one destination: an attempt, and what its answer means."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

import pydicom

from converter.result.kinds.table import RESULT_KINDS
from converter.result.messages.table import MESSAGE_KINDS
from scp_node.deliver.outcomes import SendOutcome, Verdict
from scp_node.engine.jobs import GIVEN_UP, ended_by
from scp_node.errors import UsageError
from scp_node.ledger import DeliveryRow, JobRow, ResultRow, Transaction
from scp_node.ledger.records import DeliveryState, now_utc
from scp_node.ledger.removal_records import in_spool
from scp_node.reporting.results import store_result
from scp_node.telemetry import metrics
from scp_node.workflow.commitment_job import plan_commitment
from scp_node.workflow.outage import note_failure, note_reached
from scp_node.workflow.services import Services
from scp_node.workflow.step_log import StepLog

log = logging.getLogger(__name__)


@dataclass
class DeliveryCase:
    """One delivery on its way through the steps."""

    job: JobRow
    delivery: DeliveryRow
    result: ResultRow
    log: StepLog
    outcome: SendOutcome | None = None


def send(case: DeliveryCase, services: Services) -> None:
    """One attempt, in the way of the destination's kind."""
    path = services.spool.path(in_spool(case.result))
    case.outcome = services.destinations.send(case.delivery.destination, path)
    case.log.outcome = case.outcome.message
    _enter_classes(case, services)


def _enter_classes(case: DeliveryCase, services: Services) -> None:
    """What the destination has shown of the SOP classes it takes: later reports go by it."""
    assert case.outcome is not None
    destination, shown = case.delivery.destination, dict(case.outcome.classes)
    if case.outcome.sent or case.outcome.class_refused:
        shown[case.result.sop_class_uid] = case.outcome.sent
    with services.ledger.reading() as tx:
        known = tx.sop_classes.known(destination)
    changed = {uid: accepted for uid, accepted in shown.items() if known.get(uid) is not accepted}
    if not changed:
        return
    with services.ledger.transaction(case.job.study_instance_uid) as tx:
        services.jobs.hold(tx, case.job)
        for uid, accepted in changed.items():
            tx.sop_classes.set_accepted(destination, uid, accepted=accepted)


def fall_back(case: DeliveryCase, services: Services) -> None:
    """Where the SOP class is refused, the same content goes in another one, if its kind has another."""
    assert case.outcome is not None
    if case.result.kind in MESSAGE_KINDS:
        case.log.outcome = ""
        return
    kind, sop_class_uid = RESULT_KINDS[case.result.kind], case.result.sop_class_uid
    is_preferred = len(kind.sop_classes) > 1 and sop_class_uid == next(iter(kind.sop_classes))
    if not is_preferred or not case.outcome.class_refused:
        case.log.outcome = ""
        return
    variant = kind.load().as_class(pydicom.dcmread(services.spool.path(case.result.spool_name)), sop_class_uid)
    assert variant is not None, "a kind with two classes knows how to write the second"
    new = store_result(services.spool, variant, kind.name)
    with services.ledger.transaction(case.job.study_instance_uid) as tx:
        services.jobs.hold(tx, case.job)
        services.keep_file(tx, new.spool_name)
        tx.results.add(case.result.report_id, new)
        tx.deliveries.update(case.delivery.id, result_uid=new.sop_instance_uid)
        result = tx.results.get(new.sop_instance_uid)
    assert result is not None
    case.result = result
    case.outcome = services.destinations.send(case.delivery.destination, services.spool.path(result.spool_name))
    case.log.outcome = f"as {kind.sop_classes[result.sop_class_uid]}: {case.outcome.message}"


DELIVERY_JOB = (send, fall_back)


def run_delivery_job(services: Services, job: JobRow) -> None:
    """One attempt, then success, another attempt later, or a dead letter, entered in one transaction."""
    with services.ledger.reading() as tx:
        delivery = tx.deliveries.get(int(job.subject))
        result = tx.results.get(delivery.result_uid)
    assert result is not None
    if services.settings().destination(delivery.destination) is None:
        raise UsageError(f"the destination {delivery.destination} is no longer configured")
    case = DeliveryCase(job, delivery, result, StepLog(job.study_instance_uid, result.sop_instance_uid))
    for step in DELIVERY_JOB:
        with case.log.step(step.__name__):
            step(case, services)
    _enter_outcome(case, services)


def _enter_outcome(case: DeliveryCase, services: Services) -> None:
    outcome, attempts, moment = case.outcome, case.delivery.attempts + 1, now_utc()
    assert outcome is not None
    # the archive's own words may name the patient: they stand with the delivery, never in the log or on a page of jobs
    detail = f"{outcome.message}: {outcome.comment}" if outcome.comment else outcome.message
    with services.ledger.transaction(case.job.study_instance_uid) as tx:
        case.log.enter(tx)
        state, due_at, limit = _end_attempt(tx, case, services, moment)
        detail = ended_by(limit, detail) if limit else detail
        if state == "sent":
            detail = plan_commitment(tx, services, case.delivery, attempts, case.job, detail)
        tx.deliveries.update(
            case.delivery.id,
            state=state,
            attempts=attempts,
            next_attempt_at=due_at,
            sent_at=moment if state == "sent" else None,
            status=outcome.status,
            detail=detail,
        )
        _enter_reach(tx, case, due_at)
    metrics.delivery_attempts.labels(state).inc()
    if not outcome.sent:
        metrics.delivery_failures.labels(outcome.code).inc()
    log.log(
        {"sent": logging.INFO, "failed": logging.WARNING}.get(state, logging.ERROR),
        f"delivery {state}",
        extra={
            "result_uid": case.result.sop_instance_uid,
            "destination": case.delivery.destination,
            "attempts": attempts,
            "detail": outcome.message,
            **case.log.timings(),
        },
    )


def _enter_reach(tx: Transaction, case: DeliveryCase, due_at: datetime | None) -> None:
    """Whether the destination can be reached. An object that it refuses for good says neither."""
    assert case.outcome is not None
    if case.outcome.sent:
        note_reached(tx, case.delivery.destination)
    elif case.outcome.verdict is Verdict.RETRY:
        note_failure(tx, case.delivery.destination, case.outcome, due_at)


def _end_attempt(
    tx: Transaction, case: DeliveryCase, services: Services, moment: datetime
) -> tuple[DeliveryState, datetime | None, str]:
    """End the job, or have it tried again; returns the state of the delivery, when its next attempt is due, and which
    limit of the settings ended it, in words."""
    assert case.outcome is not None
    retry = services.retries()["delivery"]
    if case.outcome.sent:
        services.jobs.finish(tx, case.job)
        return "sent", None, ""
    may_pass = case.outcome.verdict is Verdict.RETRY
    if may_pass and not retry.is_too_late(case.delivery.created_at, moment):
        due_at = moment + max(retry.wait(case.delivery.attempts + 1), timedelta(seconds=case.outcome.retry_after_s))
        services.jobs.again(tx, case.job, due_at, case.outcome.message)
        return "failed", due_at, ""
    limit = f"{GIVEN_UP} {retry.limit_in_words('delivery', 0)}" if may_pass else ""
    services.jobs.bury(tx, case.job, ended_by(limit, case.outcome.message) if limit else case.outcome.message)
    return "dead", None, limit


def bury_delivery(services: Services, tx: Transaction, job: JobRow, code: str, reason: str) -> None:
    """A delivery whose job died is a dead letter."""
    tx.deliveries.update(int(job.subject), state="dead", next_attempt_at=None, detail=f"{code}: {reason}")
    tx.events.add(job.study_instance_uid, f"delivery {job.subject}", "send", f"dead: {code}: {reason}")
