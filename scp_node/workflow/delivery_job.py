"""What happens to one result on its way to one destination: an attempt, and what its answer means."""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

import pydicom
import sqlalchemy as sa
from pydicom.uid import Comprehensive3DSRStorage

from converter.result.structured_report import as_comprehensive
from scp_node.deliver.outcomes import SendOutcome, Verdict
from scp_node.errors import UsageError
from scp_node.ledger import DeliveryRow, JobRow, ResultRow
from scp_node.ledger.records import DeliveryState, now_utc
from scp_node.settings import Delivery
from scp_node.telemetry import metrics
from scp_node.workflow.commitment_job import plan_commitment
from scp_node.workflow.services import Services, StepLog
from scp_node.workflow.study_job import store_result

log = logging.getLogger(__name__)


@dataclass
class DeliveryCase:
    """One delivery on its way through the steps."""

    job: JobRow
    delivery: DeliveryRow
    result: ResultRow
    log: StepLog
    outcome: SendOutcome | None = None


def send(case: DeliveryCase, parts: Services) -> None:
    """One attempt, in the way that the destination is of."""
    case.outcome = parts.destinations.send(case.delivery.destination, parts.spool.path(case.result.spool_name))
    case.log.outcome = case.outcome.message


def fall_back(case: DeliveryCase, parts: Services) -> None:
    """Where Comprehensive 3D SR is refused as a class, the same content goes as Comprehensive SR."""
    assert case.outcome is not None
    refused = case.outcome.class_refused
    if case.result.sop_class_uid != Comprehensive3DSRStorage or not (refused or case.outcome.sent):
        case.log.outcome = ""
        return
    with parts.ledger.transaction() as tx:
        destination, sop_class_uid = case.delivery.destination, case.result.sop_class_uid
        if parts.ledger.sop_class_accepted(tx, destination, sop_class_uid) is not (not refused):
            parts.ledger.set_sop_class_accepted(tx, destination, sop_class_uid, accepted=not refused)
    if not refused:
        case.log.outcome = ""
        return
    variant = as_comprehensive(pydicom.dcmread(parts.spool.path(case.result.spool_name)))
    new = store_result(parts.spool, variant, "sr")
    with parts.ledger.transaction() as tx:
        parts.ledger.add_result(tx, case.result.report_id, new)
        parts.ledger.update_delivery(tx, case.delivery.id, result_uid=new.sop_instance_uid)
        result = parts.ledger.result(tx, new.sop_instance_uid)
    assert result is not None
    case.result = result
    case.outcome = parts.destinations.send(case.delivery.destination, parts.spool.path(result.spool_name))
    case.log.outcome = f"as Comprehensive SR: {case.outcome.message}"


DELIVERY_JOB = (send, fall_back)


def run_delivery_job(parts: Services, job: JobRow) -> None:
    """One attempt, then success, another attempt later, or a dead letter, entered in one transaction."""
    with parts.ledger.reading() as tx:
        delivery = parts.ledger.delivery(tx, int(job.subject))
        result = parts.ledger.result(tx, delivery.result_uid)
    assert result is not None
    if delivery.destination not in parts.settings().remote_aes:
        raise UsageError(f"the destination {delivery.destination} is no longer configured")
    case = DeliveryCase(job, delivery, result, StepLog(job.study_instance_uid, result.sop_instance_uid))
    for step in DELIVERY_JOB:
        with case.log.step(step.__name__):
            step(case, parts)
    _enter_outcome(case, parts)


def _enter_outcome(case: DeliveryCase, parts: Services) -> None:
    outcome, job, settings = case.outcome, case.job, parts.settings().delivery
    assert outcome is not None
    # the archive's own words may name the patient: they go into the ledger, never into the log
    detail = f"{outcome.message}: {outcome.comment}" if outcome.comment else outcome.message
    attempts, moment = case.delivery.attempts + 1, now_utc()
    with parts.ledger.transaction() as tx:
        case.log.enter(tx, parts.ledger)
        if outcome.sent:
            state: DeliveryState = "sent"
            due_at = None
            parts.jobs.finish(tx, job)
        elif outcome.verdict is Verdict.RETRY and not _gave_up(case.delivery, settings, moment):
            state, due_at = "failed", moment + timedelta(seconds=wait_s(attempts, settings))
            parts.jobs.again(tx, job, due_at, detail)
        else:
            state, due_at = "dead", None
            parts.jobs.bury(tx, job, detail)
        if state == "sent":
            detail = plan_commitment(tx, parts, case.delivery, attempts, job.study_instance_uid, detail)
        parts.ledger.update_delivery(
            tx,
            case.delivery.id,
            state=state,
            attempts=attempts,
            next_attempt_at=due_at,
            sent_at=moment if state == "sent" else None,
            status=outcome.status,
            detail=detail,
        )
    metrics.delivery_attempts.labels(state).inc()
    level = {"sent": logging.INFO, "failed": logging.WARNING}.get(state, logging.ERROR)
    log.log(
        level,
        f"delivery {state}",
        extra={
            "result_uid": case.result.sop_instance_uid,
            "destination": case.delivery.destination,
            "attempts": attempts,
            "detail": outcome.message,
            **case.log.timings(),
        },
    )


def wait_s(attempts: int, settings: Delivery) -> float:
    """Exponential backoff with jitter: between half and all of first * 2^(attempts - 1), at most retry_max_s."""
    ceiling = min(settings.retry_max_s, settings.retry_first_s * 2 ** min(attempts - 1, 30))
    return random.uniform(ceiling / 2, ceiling)


def _gave_up(delivery: DeliveryRow, settings: Delivery, moment: datetime) -> bool:
    return moment - delivery.created_at > timedelta(hours=settings.give_up_after_h)


def bury_delivery(parts: Services, tx: sa.Connection, job: JobRow, code: str, reason: str) -> None:
    """A delivery whose job died is a dead letter."""
    parts.ledger.update_delivery(tx, int(job.subject), state="dead", next_attempt_at=None, detail=f"{code}: {reason}")
    parts.ledger.add_event(tx, job.study_instance_uid, f"delivery {job.subject}", "send", f"dead: {code}: {reason}")
