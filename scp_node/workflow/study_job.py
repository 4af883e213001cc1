"""What happens when a study has been quiet: one report over its images, with heat maps, handed to delivery."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import pydicom
from pydicom import Dataset

from converter.declined import Declined
from converter.page.counted import counted
from converter.result.kinds.content import BuiltResult, Rendering, ReportedImage, StudyContent
from converter.result.kinds.table import RESULT_KINDS, ResultKind
from scp_node.analysis.policies import node_policy
from scp_node.errors import DecodeFailed, UsageError
from scp_node.inference.loaded_models import LoadedModel
from scp_node.ledger import Analysis, InstanceRow, JobRow, NewResult, ReportRow, ResultRow, Transaction
from scp_node.ledger.records import now_utc
from scp_node.ledger.removal_records import in_spool
from scp_node.reporting.choice import ChosenResults, choose_kinds
from scp_node.reporting.content import reported_image, study_content
from scp_node.reporting.earlier import earlier_of
from scp_node.reporting.messages import is_to_be_told, told_before, written_message
from scp_node.reporting.results import store_result
from scp_node.settings import Route
from scp_node.workflow.accepted_classes import accepted_classes
from scp_node.workflow.job_kinds import delivery_job
from scp_node.workflow.report_choice import NoReport, name_patients, open_report
from scp_node.workflow.report_plan import plan_report, quiet_at
from scp_node.workflow.services import Services
from scp_node.workflow.step_log import StepLog

log = logging.getLogger(__name__)
CHANGED = "an image has changed meanwhile; a report on what it is now follows"


@dataclass(frozen=True)
class CoveredImage:
    """One instance of the report: what the ledger has of it, and what the results say of it."""

    instance: InstanceRow
    analysis: Analysis | None
    image: ReportedImage


@dataclass
class StudyCase:
    """One study on its way to a report. `over` ends the steps: there is nothing to report, or not before `again_at`."""

    job: JobRow
    log: StepLog
    route: Route
    over: bool = False
    again_at: datetime | None = None
    report: ReportRow | None = None
    model: LoadedModel | None = None
    covered: list[CoveredImage] = field(default_factory=list)
    content: StudyContent | None = None
    chosen: ChosenResults | None = None
    built: dict[str, list[BuiltResult]] = field(default_factory=dict)
    earlier: dict[str, ResultRow] = field(default_factory=dict)
    results: list[NewResult] = field(default_factory=list)
    messages: list[tuple[NewResult, str]] = field(default_factory=list)


def wait_until_quiet(case: StudyCase, services: Services) -> None:
    """Come back later if images are still arriving or being analysed."""
    with services.ledger.reading() as tx:
        if not services.settings().report.quiet_period_s or tx.reports.of_job(case.job.job_id) is not None:
            return
        due_at = quiet_at(tx, services, case.job.study_instance_uid)
    if now_utc() < due_at:
        case.over, case.again_at = True, due_at
        case.log.outcome = "" if case.job.postponed else "more images are coming or being analysed"


def gather_images(case: StudyCase, services: Services) -> None:
    """Fix what the report covers, once for all runs of this job: images of one patient, each in its current version."""
    with services.ledger.reading() as tx:
        begun = tx.reports.of_job(case.job.job_id)
    case.model = services.models.get(begun.model if begun else case.route.model)
    if begun is None:
        name_patients(services, case.job)
    with services.ledger.transaction(case.job.study_instance_uid) as tx:
        services.jobs.hold(tx, case.job)
        opened = begun or open_report(tx, services, case.job, case.model.label)
    if isinstance(opened, NoReport):
        case.over, case.again_at, case.log.outcome = True, opened.again_at, opened.reason
        return
    case.report = opened
    with services.ledger.reading() as tx:  # what the report covers is fixed, and no sender waits for this
        if not tx.reports.holds(opened):
            case.over, case.log.outcome = True, CHANGED
            return
        rows = [
            (tx.versions.as_of(uid, opened.version_of(uid)), tx.instances.analysis(uid))
            for uid in sorted(opened.instances)
        ]
    for instance, analysis in rows:
        path = services.spool.path(in_spool(instance))
        image = reported_image(instance, analysis, path, services.decode_pool)
        case.covered.append(CoveredImage(instance, analysis, image))
    case.content = _content(case, services)
    analysed = sum(image.analysis is not None for image in case.covered)
    case.log.outcome = f"revision {opened.revision}: {analysed} analysed, {len(case.covered) - analysed} not"
    if opened.left_out:
        case.log.outcome += f", {len(opened.left_out)} of another patient left out"
    if opened.gone:
        case.log.outcome += f", {len(opened.gone)} removed before and not part of it"


def choose_results(case: StudyCase, services: Services) -> None:
    """Choose the kinds of results, and who gets which: what the route lists, or what each destination takes."""
    case.chosen = choose_kinds(case.route, accepted_classes(services, case.route))
    case.log.outcome = case.chosen.words


def build_kind(kind: ResultKind, case: StudyCase, services: Services) -> None:
    """The results of one kind; what was drawn for an earlier report is referred to again."""
    assert case.content is not None and case.chosen is not None
    if kind.name not in case.chosen.destinations:
        case.log.outcome = ""  # what a route does not ask for is no step of its story
        return
    module = kind.load()
    built = case.built[kind.name] = module.build(case.content, case.built)
    entered = [_entered(case, services, kind.name, one) for one in built]
    case.results += entered
    case.log.outcome = module.told(built, [one.bytes for one in entered])


def write_messages(case: StudyCase, services: Services) -> None:
    """Write a message to each system that the route notifies of such a study."""
    assert case.report is not None and case.content is not None
    if not case.route.notify:
        case.log.outcome = ""  # what a route does not ask for is no step of its story
        return
    with services.ledger.reading() as tx:
        told = told_before(tx, case.report)
    wanted = {
        name: services.settings().systems[name] for name in case.route.notify if name in services.settings().systems
    }
    for name, system in wanted.items():
        if is_to_be_told(system, case.content, name in told):
            ds = written_message(case.content, case.report, name, system)
            case.messages.append((store_result(services.spool, ds, system.kind), name))
    case.log.outcome = f"{counted(len(case.messages), 'message')} of {len(wanted)}"


def _content(case: StudyCase, services: Services) -> StudyContent:
    """What the results say, from the ledger as it is now."""
    assert case.report is not None and case.model is not None
    with services.ledger.reading() as tx:
        before = earlier_of(tx, case.report)
        classes = {uid for kind in RESULT_KINDS.values() for uid in kind.sop_classes}
        refused = [uid for uid in classes if all(tx.sop_classes.accepted(name, uid) is False for name in case.route.to)]
    return study_content(
        case.report,
        case.model.manifest,
        [one.image for one in case.covered],
        services.settings(),
        partial(_rendering, case, services),
        partial(_earlier, case, services),
        before,
        refused,
    )


def _earlier(case: StudyCase, services: Services, kind: str, sop_instance_uid: str) -> Dataset | None:
    """The result over this version of an image that an earlier report had, without its pixels."""
    assert case.model is not None and case.report is not None
    version = case.report.version_of(sop_instance_uid)
    with services.ledger.reading() as tx:
        row = tx.results.over_image(kind, sop_instance_uid, version, case.model.label)
    if row is None or row.removed_at is not None:  # the same object is drawn again
        return None
    case.earlier[row.sop_instance_uid] = row
    return pydicom.dcmread(services.spool.path(row.spool_name), stop_before_pixels=True)


def _entered(case: StudyCase, services: Services, kind: str, one: BuiltResult) -> NewResult:
    """The result as it will be entered: durable, or as it was before."""
    earlier = case.earlier.get(str(one.ds.SOPInstanceUID))
    drawn_over = (image.image for image in case.covered if image.instance.sop_instance_uid == one.source_instance_uid)
    return earlier or store_result(services.spool, one.ds, kind, next(drawn_over, None))


def hand_to_delivery(case: StudyCase, services: Services) -> None:
    """Enter results and deliveries and end the job, in one transaction, unless an image has changed meanwhile."""
    assert case.report is not None
    with services.ledger.transaction(case.job.study_instance_uid) as tx:
        services.jobs.hold(tx, case.job)
        if not tx.reports.holds(case.report):
            case.over, case.log.outcome = True, CHANGED
            return
        assert case.chosen is not None
        for result in (*case.results, *(message for message, _ in case.messages)):
            services.keep_file(tx, result.spool_name)
        deliveries = tx.reports.close(case.report, case.results, case.route.to, case.chosen.destinations, case.messages)
        for delivery in deliveries:
            if delivery.state == "queued":
                services.jobs.put(tx, delivery_job(delivery, case.job.study_instance_uid, now_utc(), case.job.priority))
        case.log.outcome = f"{counted(len(case.results), 'result')} to {', '.join(case.route.to)}"
        if case.messages:
            told = ", ".join(system for _, system in case.messages)
            case.log.outcome += f", {counted(len(case.messages), 'message')} to {told}"
        _finish(case, services, tx, "hand_to_delivery")
        plan_report(tx, services, case.job.study_instance_uid, case.route.name)
    for image in case.covered:
        services.previews.drop(image.instance.spool_name)


Step = Callable[[StudyCase, Services], None]


def study_steps() -> list[tuple[str, Step]]:
    """The steps by name, in order: the results are built kind by kind, as their table has them."""
    return [
        ("wait_until_quiet", wait_until_quiet),
        ("gather_images", gather_images),
        ("choose_results", choose_results),
        *((kind.step, partial(build_kind, kind)) for kind in RESULT_KINDS.values()),
        ("write_messages", write_messages),
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
            end_early(case, services)
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


def end_early(case: StudyCase, services: Services) -> None:
    """Nothing is reported by this run. A report that was opened is left, and followed by one on what is there now."""
    study = case.job.study_instance_uid
    with services.ledger.transaction(case.job.study_instance_uid) as tx:
        waiting = any(job.subject == case.route.name for job in tx.jobs.pending_reports(study))
        if case.again_at is not None and not waiting:
            case.log.enter(tx)
            services.jobs.postpone(tx, case.job, case.again_at)
            return
        _finish(case, services, tx)
        if case.report is not None:
            tx.reports.abandon(case.report)
            plan_report(tx, services, study, case.route.name)


def _finish(case: StudyCase, services: Services, tx: Transaction, running_step: str = "") -> None:
    case.log.enter(tx, running_step)
    services.jobs.finish(tx, case.job)


def _rendering(case: StudyCase, services: Services, image: ReportedImage) -> Rendering:
    """The preview that the image job left, or a new rendering."""
    assert case.model is not None
    covered = next(one for one in case.covered if one.image.sop_instance_uid == image.sop_instance_uid)
    preview = services.previews.get(covered.instance.spool_name)
    if preview is not None and covered.analysis is not None:
        return Rendering(preview, covered.analysis.preview_to_source)
    policy = node_policy(services.settings())
    path = services.spool.path(in_spool(covered.instance))
    found = services.decode_pool.convert(
        path, case.model.manifest.input, None, policy.preview_side_max, policy.pixels_max
    )
    if isinstance(found, Declined):
        raise DecodeFailed(f"an image that was analysed is now declined: {found.reason}")
    return Rendering(found.preview, found.preview_to_source)
