"""What it means that a person has a study reported anew, or its results sent to one more destination.

A page uses this: it loads no model, decodes nothing and sends nothing.
"""

from __future__ import annotations

from collections.abc import Collection

from converter.declined import OTHER_PATIENT
from converter.result.messages.table import MESSAGE_KINDS
from scp_node.dimse.uids import COMPREHENSIVE_3D_SR
from scp_node.engine.jobs import JobQueue
from scp_node.errors import NothingFound, UsageError
from scp_node.ledger import ReportRow, ResultRow, Transaction
from scp_node.ledger.records import now_utc
from scp_node.ledger.removal_records import in_spool
from scp_node.workflow.job_kinds import delivery_job, delivery_job_id, study_job
from scp_node.workflow.job_subjects import JOB_SUBJECTS


def report_anew(
    tx: Transaction, study_instance_uid: str, routes: Collection[str], *, omits_declined: bool
) -> list[str]:
    """Have another revision of the report made of each of these routes that has judged images of the study; returns
    their names. Raises NothingFound where there is none, Removed where no image is there any more, and UsageError where
    nothing would come of it: a report is being built, which covers the images when it is done, or none is made because
    no image could be analysed (`omits_declined`)."""
    images = [
        image
        for image in tx.instances.of_study(study_instance_uid)
        if image.reportable and image.state != "received" and image.route in routes
    ]
    if not images:
        raise NothingFound("no image of this study was judged for a route that the configuration has")
    if all(image.removed_at is not None for image in images):
        in_spool(images[0])
    wanted = sorted({image.route for image in images if image.route is not None and image.removed_at is None})
    if any(tx.reports.in_progress(study_instance_uid, route, job_id="") is not None for route in wanted):
        raise UsageError("a report is being built at this moment; ask again when it is there")
    if omits_declined and all(image.decline_code not in (None, OTHER_PATIENT) for image in images):
        raise UsageError("no image of this study could be analysed, and report.when_all_declined omits such reports")
    pending = {job.subject: job for job in tx.jobs.pending_reports(study_instance_uid)}
    for route in wanted:
        tx.instances.uncover(study_instance_uid, route)
        if route in pending:
            JobQueue().move(tx, pending[route], now_utc())
        else:
            earlier_jobs = tx.jobs.count_reports(study_instance_uid, route)
            rank = min(image.priority for image in images if image.route == route)
            JobQueue().put(tx, study_job(study_instance_uid, route, earlier_jobs, now_utc(), rank))
    return wanted


def send_again(tx: Transaction, study_instance_uid: str, destination: str, *, is_system: bool = False) -> int:
    """Have the results of the last reports sent to `destination`, also those that it was sent before; returns how many
    go. Those that are on their way already stay as they are. A system gets again the messages that were written to it
    (`is_system`). Raises NothingFound where there is no result, and Removed
    where none is there any more."""
    results = _newest(tx, study_instance_uid, destination, is_system)
    if not results:
        raise NothingFound("no report of this study was built yet, so that there is nothing to send")
    there = [result for result in results if result.removed_at is None]
    if not there:
        in_spool(results[0])
    return sum(_send(tx, study_instance_uid, result, destination) for result in there)


def _newest(tx: Transaction, study_instance_uid: str, destination: str, is_system: bool) -> list[ResultRow]:
    """What the last report of each route consists of: its own results, and those over its images that an earlier one
    had made. Of one content in two SOP classes that one which the destination has, or else the preferred one."""
    built = [one for one in tx.reports.of_study(study_instance_uid) if one.built_at is not None]
    found: list[ResultRow] = []
    for route in dict.fromkeys(report.route for report in built):
        *earlier, last = (report for report in built if report.route == route)
        own = [one for one in tx.results.of_report(last.id) if _goes_to(tx, one, destination, is_system)]
        over = [
            one
            for report in earlier
            for one in tx.results.of_report(report.id)
            if _is_part_of(one, last) and not is_system
        ]
        chosen: dict[tuple[str, str | None], ResultRow] = {}
        for one in sorted((*(() if is_system else over), *own), key=lambda result: _rank(tx, result, destination)):
            chosen.setdefault((one.kind, one.source_instance_uid), one)
        found += chosen.values()
    return found


def _goes_to(tx: Transaction, result: ResultRow, destination: str, is_system: bool) -> bool:
    """A message is for the system that it was written to; every other result goes to any remote AE."""
    if result.kind not in MESSAGE_KINDS:
        return not is_system
    return any(one.destination == destination for one in tx.deliveries.of_result(result.sop_instance_uid))


def _is_part_of(result: ResultRow, report: ReportRow) -> bool:
    source = result.source_instance_uid
    return source in report.instances and result.source_version == report.version_of(source or "")


def _rank(tx: Transaction, result: ResultRow, destination: str) -> tuple[bool, bool]:
    is_there = any(one.destination == destination for one in tx.deliveries.of_result(result.sop_instance_uid))
    return not is_there, result.sop_class_uid != COMPREHENSIVE_3D_SR


def _send(tx: Transaction, study_instance_uid: str, result: ResultRow, destination: str) -> bool:
    """Whether it goes now; not where it waits for its turn already."""
    delivery = tx.deliveries.add(result.sop_instance_uid, destination)
    job = tx.jobs.get(delivery_job_id(delivery.id), to_change=True)
    if job is None:
        JobQueue().put(tx, delivery_job(delivery, study_instance_uid, now_utc()))
    elif job.state == "done":
        tx.deliveries.restart(delivery.id)
        JobQueue().reopen(tx, job.job_id, now_utc(), "")
    elif job.state == "dead":
        JobQueue().retry(tx, job.job_id, JOB_SUBJECTS)
    else:
        return False
    return True
