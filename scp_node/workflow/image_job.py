"""What happens to one received image: from its bytes in the spool to judged findings, or to a reason why not."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from pydicom import Dataset

from converter.declined import Declined
from converter.errors import ConverterError
from converter.image.convert import Converted
from converter.image.eligibility import check_header
from converter.image.image_file import read_header
from converter.package.gate import as_note
from converter.result.regions import attention_region
from scp_node.analysis.judge import gate_refusal
from scp_node.analysis.judge import judge as judge_scores
from scp_node.analysis.routing import choose_route as choose
from scp_node.errors import DecodeFailed
from scp_node.inference.loaded_models import LoadedModel
from scp_node.inference.scores import Scores
from scp_node.ledger import Analysis, InstanceRow, JobRow, StoredFinding, Transaction
from scp_node.ledger.records import InstanceState, now_utc
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
    notes: tuple[str, ...] = ()
    declined: Declined | None = None
    quarantined: bool = False
    converted: Converted | None = None
    scores: Scores | None = None
    analysis: Analysis | None = None


def choose_route(case: ImageCase, parts: Services) -> None:
    """Read the header and find the route and its model."""
    case.ds = read_header(parts.spool.path(case.instance.spool_name))
    choice = choose(parts.settings().routes, case.instance.source, case.ds)
    case.route, case.declined = choice.route, choice.declined
    if case.route is not None:
        case.model = parts.models.get(case.route.model)
        case.log.outcome = f"route {case.route.name}, model {case.model.label}"


def check_eligibility(case: ImageCase, parts: Services) -> None:
    """Compare the header with what the model was made for."""
    assert case.ds is not None and case.model is not None
    outcome = check_header(case.ds, case.model.manifest.intended_use)
    if isinstance(outcome, Declined):
        case.declined = outcome
    else:
        case.notes = outcome
        case.log.outcome = "; ".join(outcome) or "eligible"


def convert(case: ImageCase, parts: Services) -> None:
    """Decode and render the pixels in a limited child process."""
    assert case.model is not None
    settings = parts.settings()
    outcome = parts.decode_pool.convert(
        parts.spool.path(case.instance.spool_name),
        case.model.manifest.input,
        None,
        settings.report.heatmap_side_max,
        settings.inference.pixels_max,
    )
    if isinstance(outcome, Declined):
        case.declined = outcome
        return
    case.converted = outcome
    case.notes += outcome.notes
    rows, columns = outcome.source_shape
    case.log.outcome = f"{columns} x {rows} pixels" + "".join(f"; {note}" for note in outcome.notes)


def infer(case: ImageCase, parts: Services) -> None:
    """Score the model input; waits for a batch to fill where there is a GPU."""
    assert case.model is not None and case.converted is not None
    case.scores = case.model.batcher.score(case.converted.model_input)
    case.log.outcome = f"on {case.model.provider}"


def pass_gate(case: ImageCase, parts: Services) -> None:
    """Ask the model's input gate whether this is an image to analyse at all; the site decides what its no means."""
    assert case.model is not None and case.scores is not None
    mode = parts.settings().inference.gate
    refused = None if mode == "off" else gate_refusal(case.model.manifest, case.scores)
    case.log.outcome = "" if mode == "off" or case.model.manifest.gate is None else "passed"
    if refused is None:
        return
    metrics.gate_refusals.labels(refused.code, mode).inc()
    if mode == "refuse":
        case.declined = refused
    else:
        case.notes += (as_note(refused),)
        case.log.outcome = f"noted: {refused.code}: {refused.reason}"


def judge(case: ImageCase, parts: Services) -> None:
    """Compare the scores with the operating points; a positive finding gets its region of attention."""
    assert case.model is not None and case.converted is not None and case.scores is not None
    cam, converted = case.scores.cam[0], case.converted
    findings = []
    for position, found in enumerate(judge_scores(case.model.manifest, case.scores.probability[0])):
        region = None
        if found.positive:
            region = attention_region(
                cam[position], converted.preview.shape, converted.preview_to_source, converted.source_shape
            )
        findings.append(
            StoredFinding(found.name, found.concept, found.probability, found.threshold, found.positive, region)
        )
    case.analysis = Analysis(
        cam, converted.preview_to_source, converted.source_shape, case.model.provider, tuple(findings)
    )
    parts.previews.put(case.instance.spool_name, converted.preview)
    case.log.outcome = "; ".join(
        f"{found.name} {found.probability:.4f} ({'positive' if found.positive else 'negative'}, "
        f"threshold {found.threshold:.4f})"
        for found in findings
    )


IMAGE_JOB = (choose_route, check_eligibility, convert, infer, pass_gate, judge)


def run_image_job(services: Services, job: JobRow) -> None:
    """Run the steps on one instance; a refusal ends them, unreadable or undecodable bytes quarantine the instance."""
    with services.ledger.reading() as tx:
        instance = tx.instances.get(job.subject)
    case = ImageCase(instance, StepLog(instance.study_instance_uid, instance.sop_instance_uid))
    if instance.state == "received":
        try:
            for step in IMAGE_JOB:
                with case.log.step(step.__name__):
                    step(case, services)
                    if case.declined is not None:
                        case.log.outcome = f"declined: {case.declined.code}: {case.declined.reason}"
                if case.declined is not None:
                    break
        except (ConverterError, DecodeFailed) as error:
            case.quarantined = True
            metrics.decode_failures.labels(error.code).inc()
            case.declined = Declined("undecodable", str(error))
    _enter_outcome(case, services, job)


def _enter_outcome(case: ImageCase, services: Services, job: JobRow) -> None:
    state: InstanceState = "quarantined" if case.quarantined else "declined" if case.declined else "inferred"
    own_result = case.declined is not None and case.declined.code == "own-result"
    if case.quarantined and case.route is None:
        case.route = _first_route_of(services, case.instance.source)
    steps = {entry.name for entry in case.log.entries}
    ae_title = case.instance.calling_ae_title
    count = drift_count(case.model, ae_title, case.ds, steps, case.declined, case.converted, case.analysis)
    with services.ledger.transaction() as tx:
        entered = tx.instances.finish(
            case.instance.sop_instance_uid,
            state,
            route=case.route.name if case.route else None,
            model=case.model.label if case.model else None,
            reportable=case.route is not None and not own_result,
            decline_code=case.declined.code if case.declined else None,
            detail=case.declined.reason if case.declined else "",
            notes=case.notes,
            analysis=case.analysis,
        )
        if entered:
            case.log.enter(tx)
            if count is not None:
                count.enter(tx, services.ledger)
            if state == "inferred" and case.route is not None and case.route.shadow is not None:
                earlier_jobs = tx.jobs.count_of(case.instance.study_instance_uid, case.instance.sop_instance_uid)
                services.jobs.put(tx, shadow_job(case.instance, earlier_jobs, now_utc()))
            plan_report(tx, services, case.instance.study_instance_uid)
        services.jobs.finish(tx, job)
    if entered:
        log.info(
            "image judged" if state == "inferred" else f"image {state}",
            extra={
                "sop_instance_uid": case.instance.sop_instance_uid,
                "code": case.declined.code if case.declined else "",
                **case.log.timings(),
            },
        )


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
