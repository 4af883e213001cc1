"""What happens when a study has been quiet: one report over its images, with heat maps, handed to delivery."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import pydicom
from pydicom import Dataset

from converter.declined import Declined
from converter.result.kinds.content import BuiltResult, Rendering, ReportedImage, StudyContent
from converter.result.kinds.table import RESULT_KINDS, ResultKind
from scp_node.analysis.policies import node_policy
from scp_node.errors import DecodeFailed, UsageError
from scp_node.inference.loaded_models import LoadedModel
from scp_node.intake.image_jobs import image_job
from scp_node.ledger import Analysis, InstanceRow, JobRow, NewResult, ReportRow, ResultRow, Transaction
from scp_node.ledger.records import now_utc
from scp_node.reporting.content import predecessors_of, reported_image, study_content
from scp_node.reporting.results import store_result
from scp_node.settings import Route
from scp_node.workflow.job_kinds import delivery_job
from scp_node.workflow.report_plan import last_arrival_of, plan_report
from scp_node.workflow.services import Services
from scp_node.workflow.step_log import StepLog

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CoveredImage:
    """One instance of the report: what the ledger has of it, and what the results say of it."""

    instance: InstanceRow
    analysis: Analysis | None
    image: ReportedImage


@dataclass
class StudyCase:
    """One study on its way to a report. `over` ends the steps: there is nothing to report, or not yet."""

    job: JobRow
    log: StepLog
    route: Route
    over: bool = False
    report: ReportRow | None = None
    model: LoadedModel | None = None
    covered: list[CoveredImage] = field(default_factory=list)
    content: StudyContent | None = None
    built: dict[str, list[BuiltResult]] = field(default_factory=dict)
    earlier: dict[str, ResultRow] = field(default_factory=dict)
    results: list[NewResult] = field(default_factory=list)


def wait_until_quiet(case: StudyCase, services: Services) -> None:
    """End here if images are still arriving: the last of them brings a study job of its own."""
    quiet_period = timedelta(seconds=services.settings().report.quiet_period_s)
    with services.ledger.reading() as tx:
        if not quiet_period or tx.reports.of_job(case.job.job_id) is not None:
            return
        images = tx.instances.of_study(case.job.study_instance_uid)
    if any(image.state == "received" for image in images):
        case.over, case.log.outcome = True, "more images are being analysed"
    elif now_utc() < last_arrival_of(images) + quiet_period:
        case.over, case.log.outcome = True, "more images came"


def gather_images(case: StudyCase, services: Services) -> None:
    """Fix what the report covers, once for all runs of this job."""
    with services.ledger.reading() as tx:
        begun = tx.reports.of_job(case.job.job_id)
    case.model = services.models.get(begun.model if begun else case.route.model)
    with services.ledger.transaction() as tx:
        case.report = begun or _open_report(case, services, tx, case.model.label)
    if case.report is None:
        case.over = True
        return
    with services.ledger.reading() as tx:  # what the report covers is fixed, and no sender waits for this
        rows = [(tx.instances.get(uid), tx.instances.analysis(uid)) for uid in sorted(case.report.instances)]
    for instance, analysis in rows:
        image = reported_image(instance, analysis, services.spool.path(instance.spool_name))
        case.covered.append(CoveredImage(instance, analysis, image))
    case.content = _content(case, services)
    analysed = sum(image.analysis is not None for image in case.covered)
    case.log.outcome = f"revision {case.report.revision}: {analysed} analysed, {len(case.covered) - analysed} not"


def _open_report(case: StudyCase, services: Services, tx: Transaction, model: str) -> ReportRow | None:
    """Claim the next revision over all judged images of the route, or None where there is nothing to report now."""
    job = case.job
    images = [
        image
        for image in tx.instances.of_study(job.study_instance_uid)
        if image.route == case.route.name and image.reportable and image.state != "received"
    ]
    if all(image.covered for image in images):
        case.log.outcome = "nothing new to report"
        return None
    if tx.reports.in_progress(job.study_instance_uid, case.route.name, job.job_id) is not None:
        case.log.outcome = "another report of this study is being built; what it does not cover follows it"
        return None
    outdated = [image for image in images if _was_analysed(image) and image.model != model]
    for image in outdated:
        tx.instances.reopen(image.sop_instance_uid)
        earlier_jobs = tx.jobs.count_of(image.study_instance_uid, image.sop_instance_uid)
        services.jobs.put(tx, image_job(image, now_utc(), earlier_jobs))
    if outdated:
        case.log.outcome = f"{len(outdated)} images are analysed anew with {model}"
        return None
    if services.settings().report.when_all_declined == "omit" and not any(map(_was_analysed, images)):
        tx.instances.cover([image.sop_instance_uid for image in images])
        case.log.outcome = "no image could be analysed; such reports are switched off"
        return None
    covered = [image.sop_instance_uid for image in images]
    return tx.reports.open(job.study_instance_uid, case.route.name, job.job_id, model, covered)


def build_kind(kind: ResultKind, case: StudyCase, services: Services) -> None:
    """The results of one kind; what was drawn for an earlier report is referred to again."""
    if kind.name not in case.route.results:
        case.log.outcome = "not asked for"
        return
    assert case.content is not None
    module = kind.load()
    built = case.built[kind.name] = module.build(case.content, case.built)
    entered = [_entered(case, services, kind.name, one) for one in built]
    case.results += entered
    case.log.outcome = module.told(built, [one.bytes for one in entered])


def _content(case: StudyCase, services: Services) -> StudyContent:
    """What the results say, from the ledger as it is now."""
    assert case.report is not None and case.model is not None
    with services.ledger.reading() as tx:
        latest = tx.reports.latest_built(case.job.study_instance_uid, case.route.name)
        predecessors = predecessors_of(tx, latest)
        classes = {uid for kind in RESULT_KINDS.values() for uid in kind.sop_classes}
        refused = [uid for uid in classes if all(tx.sop_classes.accepted(name, uid) is False for name in case.route.to)]
    return study_content(
        case.report,
        case.model.manifest,
        [one.image for one in case.covered],
        services.settings(),
        partial(_rendering, case, services),
        partial(_earlier, case, services),
        predecessors,
        refused,
    )


def _earlier(case: StudyCase, services: Services, kind: str, sop_instance_uid: str) -> Dataset | None:
    """The result over an image that an earlier report had, without its pixels."""
    assert case.model is not None
    with services.ledger.reading() as tx:
        row = tx.results.over_image(kind, sop_instance_uid, case.model.label)
    if row is None:
        return None
    case.earlier[row.sop_instance_uid] = row
    return pydicom.dcmread(services.spool.path(row.spool_name), stop_before_pixels=True)


def _entered(case: StudyCase, services: Services, kind: str, one: BuiltResult) -> NewResult:
    """The result as it will be entered: durable, or as it was before."""
    earlier = case.earlier.get(str(one.ds.SOPInstanceUID))
    return earlier or store_result(services.spool, one.ds, kind, one.source_instance_uid)


def hand_to_delivery(case: StudyCase, services: Services) -> None:
    """Enter results and deliveries and end the job, in one transaction."""
    assert case.report is not None
    with services.ledger.transaction() as tx:
        deliveries = tx.reports.close(case.report, case.results, case.route.to)
        for delivery in deliveries:
            if delivery.state == "queued":
                services.jobs.put(tx, delivery_job(delivery, case.job.study_instance_uid, now_utc()))
        plan_report(tx, services, case.job.study_instance_uid, cause=f"after-{case.report.revision}")
        case.log.outcome = f"{len(case.results)} results to {', '.join(case.route.to)}"
        _finish(case, services, tx, "hand_to_delivery")
    for image in case.covered:
        services.previews.drop(image.instance.spool_name)


Step = Callable[[StudyCase, Services], None]


def study_steps() -> list[tuple[str, Step]]:
    """The steps by name, in order: the results are built kind by kind, as their table has them."""
    return [
        ("wait_until_quiet", wait_until_quiet),
        ("gather_images", gather_images),
        *((kind.step, partial(build_kind, kind)) for kind in RESULT_KINDS.values()),
        ("hand_to_delivery", hand_to_delivery),
    ]


def run_study_job(services: Services, job: JobRow) -> None:
    """Run the steps on one study and route."""
    route = services.route(job.subject)
    if route is None:
        raise UsageError(f"the route {job.subject} is no longer configured")
    case = StudyCase(job, StepLog(job.study_instance_uid, job.study_instance_uid), route)
    for name, step in study_steps():
        with case.log.step(name):
            step(case, services)
        if case.over:
            with services.ledger.transaction() as tx:
                _finish(case, services, tx)
            return
    log.info(
        "study reported",
        extra={
            "study_instance_uid": job.study_instance_uid,
            "results": len(case.results),
            **case.log.timings(),
        },
    )


def bury_study(services: Services, tx: Transaction, job: JobRow, code: str, reason: str) -> None:
    """A dead study job leaves a trace for `hilum explain`; nothing else depends on it."""
    tx.events.add(job.study_instance_uid, job.study_instance_uid, "report", f"dead: {code}: {reason}")


def _finish(case: StudyCase, services: Services, tx: Transaction, running_step: str = "") -> None:
    case.log.enter(tx, running_step)
    services.jobs.finish(tx, case.job)


def _was_analysed(instance: InstanceRow) -> bool:
    return instance.state in ("inferred", "reported")


def _rendering(case: StudyCase, services: Services, image: ReportedImage) -> Rendering:
    """The preview that the image job left, or a new rendering."""
    assert case.model is not None
    covered = next(one for one in case.covered if one.image is image)
    preview = services.previews.get(covered.instance.spool_name)
    if preview is not None and covered.analysis is not None:
        return Rendering(preview, covered.analysis.preview_to_source)
    policy = node_policy(services.settings())
    path = services.spool.path(covered.instance.spool_name)
    found = services.decode_pool.convert(
        path, case.model.manifest.input, None, policy.preview_side_max, policy.pixels_max
    )
    if isinstance(found, Declined):
        raise DecodeFailed(f"an image that was analysed is now declined: {found.reason}")
    return Rendering(found.preview, found.preview_to_source)
