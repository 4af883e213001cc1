"""What happens when a study has been quiet: one report over its images, with heat maps, handed to delivery."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field
from datetime import timedelta

import pydicom
from pydicom import Dataset
from pydicom.uid import Comprehensive3DSRStorage, ComprehensiveSRStorage

from converter.declined import Declined
from converter.result.encode import to_bytes
from converter.result.structured_report import build_structured_report
from scp_node.errors import DecodeFailed, UsageError
from scp_node.inference.loaded_models import LoadedModel
from scp_node.intake.image_jobs import image_job
from scp_node.ledger import InstanceRow, JobRow, NewResult, ReportRow, Transaction
from scp_node.ledger.records import now_utc
from scp_node.reporting.assemble import (
    CoveredImage,
    algorithm_of,
    assemble,
    draw_heatmap,
    header_or_stub,
    identity_of,
    prominent,
)
from scp_node.settings import Route
from scp_node.storage.spool import SpoolFiles
from scp_node.workflow.job_kinds import delivery_job
from scp_node.workflow.report_plan import last_arrival_of, plan_report
from scp_node.workflow.services import Services
from scp_node.workflow.step_log import StepLog

log = logging.getLogger(__name__)
SR_CLASSES = {"comprehensive_3d": Comprehensive3DSRStorage, "comprehensive": ComprehensiveSRStorage}


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
    heatmaps: dict[str, Dataset] = field(default_factory=dict)
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


def gather_images(case: StudyCase, parts: Services) -> None:
    """Fix what the report covers, once for all runs of this job."""
    with parts.ledger.reading() as tx:
        begun = tx.reports.of_job(case.job.job_id)
    case.model = parts.models.get(begun.model if begun else case.route.model)
    with parts.ledger.transaction() as tx:
        case.report = begun or _open_report(case, parts, tx, case.model.label)
    if case.report is None:
        case.over = True
        return
    with parts.ledger.reading() as tx:  # what the report covers is fixed, and no sender waits for this
        rows = [(tx.instances.get(uid), tx.instances.analysis(uid)) for uid in sorted(case.report.instances)]
    for instance, analysis in rows:
        source = header_or_stub(instance, parts.spool.path(instance.spool_name))
        case.covered.append(CoveredImage(instance, source, analysis))
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


def build_heatmaps(case: StudyCase, parts: Services) -> None:
    """A heat map for each analysed image: the one that was drawn before, or a new one."""
    if "heatmap" not in case.route.results:
        case.log.outcome = "not asked for"
        return
    assert case.model is not None
    for image in case.covered:
        if image.analysis is None or not image.findings:
            continue
        uid = image.instance.sop_instance_uid
        position = prominent(image.findings)
        if parts.settings().report.heatmap_for == "positive" and not image.findings[position].positive:
            continue
        with parts.ledger.reading() as tx:
            drawn = tx.results.heatmap_of(uid, case.model.label)
        if drawn is None:
            case.heatmaps[uid] = _draw_heatmap(case, parts, image)
            case.results.append(store_result(parts.spool, case.heatmaps[uid], "heatmap", uid))
        else:
            case.heatmaps[uid] = pydicom.dcmread(parts.spool.path(drawn.spool_name), stop_before_pixels=True)
            case.results.append(drawn)
    case.log.outcome = f"{len(case.heatmaps)} heat maps"


def build_report(case: StudyCase, parts: Services) -> None:
    """Build the Structured Report over all covered images."""
    if "sr" not in case.route.results:
        case.log.outcome = "not asked for"
        return
    assert case.model is not None and case.report is not None
    settings = parts.settings()
    ds = build_structured_report(
        assemble(
            identity_of(case.report, settings.node.ae_title, case.model.label),
            algorithm_of(case.model.manifest),
            case.covered,
            case.heatmaps,
            _predecessors(case, parts),
        ),
        _sr_class(case, parts),
        settings.report.charset,
    )
    case.results.append(store_result(parts.spool, ds, "sr"))
    case.log.outcome = f"{case.results[-1].bytes} bytes"


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


STUDY_JOB = (wait_until_quiet, gather_images, build_heatmaps, build_report, hand_to_delivery)


def run_study_job(services: Services, job: JobRow) -> None:
    """Run the steps on one study and route."""
    route = services.route(job.subject)
    if route is None:
        raise UsageError(f"the route {job.subject} is no longer configured")
    case = StudyCase(job, StepLog(job.study_instance_uid, job.study_instance_uid), route)
    for step in STUDY_JOB:
        with case.log.step(step.__name__):
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


def _draw_heatmap(case: StudyCase, parts: Services, image: CoveredImage) -> Dataset:
    """From the preview that the image job left, or a new rendering."""
    assert image.analysis is not None and case.model is not None and case.report is not None
    settings, instance = parts.settings(), image.instance
    preview, preview_to_source = parts.previews.get(instance.spool_name), image.analysis.preview_to_source
    if preview is None:
        outcome = parts.decode_pool.convert(
            parts.spool.path(instance.spool_name),
            case.model.manifest.input,
            None,
            settings.report.heatmap_side_max,
            settings.inference.pixels_max,
        )
        if isinstance(outcome, Declined):
            raise DecodeFailed(f"an image that was analysed is now declined: {outcome.reason}")
        preview, preview_to_source = outcome.preview, outcome.preview_to_source
    identity = identity_of(case.report, settings.node.ae_title, case.model.label)
    return draw_heatmap(identity, case.model.manifest, image, preview, preview_to_source, settings.report)


def _sr_class(case: StudyCase, parts: Services) -> str:
    """The configured class, or Comprehensive SR when every destination is known to refuse Comprehensive 3D."""
    wanted = SR_CLASSES[parts.settings().report.sop_class]
    with parts.ledger.reading() as tx:
        refused = all(tx.sop_classes.accepted(name, wanted) is False for name in case.route.to)
    return ComprehensiveSRStorage if refused else wanted


def _predecessors(case: StudyCase, parts: Services) -> tuple[tuple[str, str, str], ...]:
    """The Structured Reports of the revision before, as they went to the destinations."""
    with parts.ledger.reading() as tx:
        latest = tx.reports.latest_built(case.job.study_instance_uid, case.route.name)
        if latest is None:
            return ()
        return tuple(
            (result.sop_class_uid, result.sop_instance_uid, result.series_instance_uid)
            for result in tx.results.of_report(latest.id)
            if result.kind == "sr" and tx.deliveries.of_result(result.sop_instance_uid)
        )


def store_result(spool: SpoolFiles, ds: Dataset, kind: str, source_instance_uid: str | None = None) -> NewResult:
    """Make a result durable under a name that no received instance can have."""
    data = to_bytes(ds)
    name = hashlib.sha256(f"result:{ds.SOPInstanceUID}".encode()).hexdigest()
    spool.put(name, data)
    return NewResult(
        sop_instance_uid=str(ds.SOPInstanceUID),
        sop_class_uid=str(ds.SOPClassUID),
        series_instance_uid=str(ds.SeriesInstanceUID),
        kind=kind,
        spool_name=name,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        source_instance_uid=source_instance_uid,
    )
