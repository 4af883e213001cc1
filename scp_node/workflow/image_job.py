"""What happens to one received image: from its bytes in the spool to judged findings, or to a reason why not."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from pydicom import Dataset

from converter.analysis.analyse import analyse
from converter.analysis.outcome import Examined
from converter.declined import Declined
from converter.errors import ConverterError
from converter.image.image_file import read_header
from scp_node.analysis.policies import node_policy
from scp_node.analysis.routing import choose_route as choose
from scp_node.inference.loaded_models import LoadedModel
from scp_node.ledger import InstanceRow, JobRow, Transaction
from scp_node.ledger.records import Analysis, InstanceState, now_utc
from scp_node.monitoring.drift_count import drift_count
from scp_node.settings import Route
from scp_node.telemetry import metrics
from scp_node.workflow.job_kinds import shadow_job
from scp_node.workflow.report_plan import plan_report
from scp_node.workflow.services import Services
from scp_node.workflow.step_log import StepLog

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


def choose_route(case: ImageCase, services: Services) -> None:
    """Read the header and find the route and its model."""
    case.ds = read_header(services.spool.path(case.instance.spool_name))
    choice = choose(services.settings().routes, case.instance.source, case.ds)
    case.route = choice.route
    if case.route is not None:
        case.model = services.models.get(case.route.model)
        case.log.outcome = f"route {case.route.name}, model {case.model.label}"
    if choice.declined is not None:
        case.examined = Examined(choice.declined)
        case.log.outcome = f"declined: {choice.declined.code}: {choice.declined.reason}"


def examine(case: ImageCase, services: Services) -> Examined:
    """The analysis, whose own steps are timed; what was seen is kept for the heat map."""
    assert case.model is not None
    path, policy = services.spool.path(case.instance.spool_name), node_policy(services.settings())
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
    if instance.state != "received":  # an earlier run of this job has entered what it found
        with services.ledger.transaction() as tx:
            services.jobs.finish(tx, job)
        return
    case = ImageCase(instance, StepLog(instance.study_instance_uid, instance.sop_instance_uid))
    try:
        with case.log.step(choose_route.__name__):
            choose_route(case, services)
    except ConverterError as error:
        case.examined = Examined(Declined("undecodable", str(error)), failure=error)
    _enter_outcome(case, case.examined or examine(case, services), services, job)


def _enter_outcome(case: ImageCase, examined: Examined, services: Services, job: JobRow) -> None:
    instance, declined, state = case.instance, examined.declined, _state_of(examined)
    if examined.failure is not None:
        metrics.decode_failures.labels(getattr(examined.failure, "code", "decode-failed")).inc()
        case.route = case.route or _first_route_of(services, instance.source)
    count = drift_count(case.model, instance.calling_ae_title, case.ds, case.log.names, examined)
    with services.ledger.transaction() as tx:
        entered = tx.instances.finish(
            instance.sop_instance_uid,
            state,
            route=case.route.name if case.route else None,
            model=case.model.label if case.model else None,
            reportable=case.route is not None and not (declined and declined.code == "own-result"),
            decline_code=declined.code if declined else None,
            detail=declined.reason if declined else "",
            notes=examined.notes,
            analysis=None if examined.analysed is None else Analysis.of(examined.analysed),
        )
        if entered:
            case.log.enter(tx)
            if count is not None:
                count.enter(tx)
            if state == "inferred" and case.route is not None and case.route.shadow is not None:
                earlier_jobs = tx.jobs.count_of(instance.study_instance_uid, instance.sop_instance_uid)
                services.jobs.put(tx, shadow_job(instance, earlier_jobs, now_utc()))
            plan_report(tx, services, instance.study_instance_uid)
        services.jobs.finish(tx, job)
    if entered:
        log.info(
            "image judged" if state == "inferred" else f"image {state}",
            extra={
                "sop_instance_uid": instance.sop_instance_uid,
                "code": declined.code if declined else "",
                **case.log.timings(),
            },
        )


def _state_of(examined: Examined) -> InstanceState:
    return "quarantined" if examined.failure else "declined" if examined.declined else "inferred"


def bury_image(services: Services, tx: Transaction, job: JobRow, code: str, reason: str) -> None:
    """A dead image job quarantines its instance, which is reported as not analysed. The pixels are not to blame: what
    cannot be decoded is found out in a decoding process, and does not end the job."""
    instance = tx.instances.get(job.subject)
    route = _first_route_of(services, instance.source)
    tx.instances.finish(
        instance.sop_instance_uid,
        "quarantined",
        route=route.name if route else None,
        model=None,
        reportable=route is not None,
        decline_code="analysis-failed",
        detail=f"{code}: {reason}",
    )
    tx.events.add(instance.study_instance_uid, instance.sop_instance_uid, "quarantined", code)
    plan_report(tx, services, instance.study_instance_uid)


def _first_route_of(services: Services, source: str) -> Route | None:
    routes = services.settings().routes
    return next((route for route in routes if not route.when.from_ or source in route.when.from_), None)
