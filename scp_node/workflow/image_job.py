"""What happens to one received image: from its bytes in the spool to judged findings, or to a reason why not."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from pydicom import Dataset

from converter.analysis.analyse import analyse
from converter.analysis.outcome import Examined
from converter.declined import Declined
from converter.image.priority import PRIORITIES, ROUTINE
from scp_node.analysis.policies import node_policy
from scp_node.analysis.routing import choose_route as choose
from scp_node.inference.loaded_models import LoadedModel
from scp_node.intake.image_jobs import is_outdated
from scp_node.ledger import InstanceRow, JobRow, Transaction, VersionFacts
from scp_node.ledger.records import Analysis, InstanceState, now_utc
from scp_node.ledger.removal_records import in_spool
from scp_node.monitoring.drift_count import drift_count
from scp_node.settings import Route
from scp_node.storage.evidence import data_set_sha256
from scp_node.telemetry import metrics
from scp_node.workflow.job_kinds import shadow_job
from scp_node.workflow.report_plan import plan_report
from scp_node.workflow.services import Services
from scp_node.workflow.step_log import StepLog
from scp_node.workflow.version_change import changes, facts_of, judged_before, leave_study, state_that_stands, tell

log = logging.getLogger(__name__)


@dataclass
class ImageCase:
    """One image on its way through the steps; each step fills in what the next one needs."""

    instance: InstanceRow
    log: StepLog
    ds: Dataset | None = None
    route: Route | None = None
    model: LoadedModel | None = None
    examined: Examined | None = None
    priority: int | None = None

    @property
    def rank(self) -> int:
        """How urgent it is: by its route, or as it seemed when it came."""
        return self.instance.priority if self.priority is None else self.priority


def choose_route(case: ImageCase, services: Services) -> None:
    """Read the header and find the route and its model."""
    case.ds = services.decode_pool.header(services.spool.path(in_spool(case.instance)))
    choice = choose(services.settings().routes, case.instance.source, case.ds)
    case.route, case.priority = choice.route, choice.rank
    if case.route is not None:
        case.model = services.models.get(case.route.model)
        case.log.outcome = f"route {case.route.name}, model {case.model.label}"
        if choice.rank != ROUTINE:
            case.log.outcome += f", priority {PRIORITIES[choice.rank]}"
    if choice.declined is not None:
        case.examined = Examined(choice.declined)
        case.log.outcome = f"declined: {choice.declined.code}: {choice.declined.reason}"


def examine(case: ImageCase, services: Services) -> Examined:
    """The analysis, whose own steps are timed; what was seen is kept for the heat map."""
    assert case.model is not None
    path, policy = services.spool.path(in_spool(case.instance)), node_policy(services.settings())
    examined = analyse(path, case.model, services.decode_pool, policy, case.ds, case.log)
    if examined.gate is not None:
        metrics.gate_refusals.labels(examined.gate.code, policy.gate).inc()
    if examined.analysed is not None:
        services.previews.put(case.instance.spool_name, examined.analysed.converted.preview)
    return examined


def run_image_job(services: Services, job: JobRow) -> None:
    """Run the steps on one instance; a refusal ends them, unreadable or undecodable bytes quarantine the instance."""
    with services.ledger.reading() as tx:
        instance = tx.instances.get(job.subject)
    # an earlier run of this job has entered what it found, or other bytes have come, which have a job of their own
    if instance.state != "received" or is_outdated(job, instance):
        with services.ledger.transaction(job.study_instance_uid) as tx:
            services.jobs.finish(tx, job)
        return
    case = ImageCase(instance, StepLog(instance.study_instance_uid, instance.sop_instance_uid))
    try:
        with case.log.step(choose_route.__name__):
            choose_route(case, services)
    except services.decode_pool.failures as error:
        case.examined = Examined(Declined("undecodable", str(error)), failure=error)
    _enter_outcome(case, case.examined or examine(case, services), services, job)


def _enter_outcome(case: ImageCase, examined: Examined, services: Services, job: JobRow) -> None:
    instance, declined, state = case.instance, examined.declined, _state_of(examined)
    if examined.failure is not None:
        metrics.decode_failures.labels(getattr(examined.failure, "code", "decode-failed")).inc()
        case.route = case.route or _first_route_of(services, instance.source)
    facts = facts_of(_evidence(instance, services), case.ds, examined)
    with services.ledger.transaction(job.study_instance_uid) as tx:
        services.jobs.hold(tx, job)
        entered = _judge(tx, case, examined, services, facts)
        services.jobs.finish(tx, job)
    if not entered:
        services.previews.drop(instance.spool_name)
        return
    metrics.images_judged.labels(state, declined.code if declined else "").inc()
    log.info(
        "image judged" if state == "inferred" else f"image {state}",
        extra={
            "sop_instance_uid": instance.sop_instance_uid,
            "code": declined.code if declined else "",
            **case.log.timings(),
        },
    )


def _evidence(instance: InstanceRow, services: Services) -> str | None:
    """SHA-256 of the bytes that were judged; None where they are gone."""
    try:
        return data_set_sha256(services.spool.path(instance.spool_name), instance.bytes)
    except OSError:
        return None


def _judge(tx: Transaction, case: ImageCase, examined: Examined, services: Services, facts: VersionFacts) -> bool:
    """Enter the outcome, or that the one before stands. False where the image has an outcome or other bytes by now."""
    uid, version = case.instance.sop_instance_uid, case.instance.version
    before = tx.instances.get(uid)
    if before.state != "received" or before.version != version:
        return False
    earlier = judged_before(tx, before)
    tx.versions.describe(uid, version, facts)
    differing: tuple[str, ...] = ()
    if earlier is not None:
        now = tx.versions.get(uid, version)
        assert now is not None, "it was described just now"
        differing = changes(earlier, now) or (() if _is_as_before(tx, before, case, examined) else ("analysis",))
        tell(tx, before, earlier, differing)
        leave_study(tx, services, before, earlier)
    case.log.enter(tx)
    if earlier is not None and not differing:
        tx.instances.stand(uid, version, state_that_stands(before, _state_of(examined)))
    else:
        _enter_judgement(tx, case, examined, services)
    plan_report(tx, services, before.study_instance_uid, case.route.name if case.route else None, case.rank)
    return True


def _is_as_before(tx: Transaction, before: InstanceRow, case: ImageCase, examined: Examined) -> bool:
    """Whether another analysis of the same picture came to the same end."""
    if before.finished_at is None:  # what was found has been taken back
        return False
    placed = (case.route.name if case.route else None, case.model.label if case.model else None)
    if (before.route, before.model, before.notes) != (*placed, list(examined.notes)):
        return False
    is_analysed = tx.instances.analysis(before.sop_instance_uid) is not None
    if examined.declined is None or is_analysed:
        return examined.declined is None and is_analysed
    return (before.decline_code, before.detail) == (examined.declined.code, examined.declined.reason)


def _enter_judgement(tx: Transaction, case: ImageCase, examined: Examined, services: Services) -> None:
    instance, declined, state = case.instance, examined.declined, _state_of(examined)
    tx.instances.finish(
        instance.sop_instance_uid,
        state,
        route=case.route.name if case.route else None,
        model=case.model.label if case.model else None,
        reportable=case.route is not None and not (declined and declined.code == "own-result"),
        decline_code=declined.code if declined else None,
        detail=declined.reason if declined else "",
        notes=examined.notes,
        analysis=None if examined.analysed is None else Analysis.of(examined.analysed),
        version=instance.version,
        priority=case.rank,
    )
    count = drift_count(case.model, instance.calling_ae_title, case.ds, case.log.names, examined)
    if count is not None:
        count.enter(tx)
    if state == "inferred" and case.route is not None and case.route.shadow is not None:
        earlier_jobs = tx.jobs.count_of(instance.study_instance_uid, instance.sop_instance_uid)
        services.jobs.put(tx, shadow_job(instance, earlier_jobs, now_utc()))


def _state_of(examined: Examined) -> InstanceState:
    return "quarantined" if examined.failure else "declined" if examined.declined else "inferred"


def bury_image(services: Services, tx: Transaction, job: JobRow, code: str, reason: str) -> None:
    """A dead image job quarantines its instance, which is reported as not analysed. The pixels are not to blame: what
    cannot be decoded is found out in a decoding process, and does not end the job."""
    instance = tx.instances.get(job.subject)
    if is_outdated(job, instance):
        return
    route = _first_route_of(services, instance.source)
    earlier = judged_before(tx, instance)
    tx.instances.finish(
        instance.sop_instance_uid,
        "quarantined",
        route=route.name if route else None,
        model=None,
        reportable=route is not None,
        decline_code="analysis-failed",
        detail=f"{code}: {reason}",
        version=instance.version,
        priority=instance.priority,
    )
    tx.events.add(instance.study_instance_uid, instance.sop_instance_uid, "quarantined", code)
    leave_study(tx, services, instance, earlier)
    plan_report(tx, services, instance.study_instance_uid, route.name if route else None, instance.priority)


def _first_route_of(services: Services, source: str) -> Route | None:
    routes = services.settings().routes
    return next((route for route in routes if not route.when.from_ or source in route.when.from_), None)
