"""When a study is reported: once no image has come for a while, and again where a report was forgotten.

A study and route have one pending job, whose time moves: however many images come, and also while a report is built.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from converter.image.priority import LOW
from scp_node.ledger import Transaction
from scp_node.ledger.records import now_utc
from scp_node.workflow.job_kinds import study_job
from scp_node.workflow.services import Services

# Whoever ends what a report waits for moves its job; should nobody do so, the report looks again after this long.
LOOK_AGAIN_S = 30


def plan_report(
    tx: Transaction, services: Services, study_instance_uid: str, route: str | None, priority: int = LOW
) -> None:
    """After an image was judged or has left its study: have its route reported once the study is quiet, as urgently as
    its most urgent image; `priority` is that of the image. Reports of other routes may have waited for it too."""
    due_at = quiet_at(tx, services, study_instance_uid)
    pending = tx.jobs.pending_reports(study_instance_uid)
    for job in pending:
        # one that has failed waits its turn all the same
        wanted = due_at if job.state == "queued" else max(due_at, job.due_at)
        rank = min(job.priority, priority) if job.subject == route else job.priority
        if (wanted, rank) != (job.due_at, job.priority):
            services.jobs.move(tx, job, wanted, rank)
    if route is None or any(job.subject == route for job in pending):
        return
    waiting = tx.instances.waiting_priority(study_instance_uid, route)
    if waiting is not None:
        earlier_jobs = tx.jobs.count_reports(study_instance_uid, route)
        services.jobs.put(tx, study_job(study_instance_uid, route, earlier_jobs, due_at, waiting))


def quiet_at(tx: Transaction, services: Services, study_instance_uid: str) -> datetime:
    """When the study counts as complete, as far as is known now: a moment that has passed if it does."""
    moment, quiet_period_s = now_utc(), services.settings().report.quiet_period_s
    last = tx.instances.last_arrival(study_instance_uid, moment)
    due_at = (last or moment) + timedelta(seconds=quiet_period_s if last else 0)
    if quiet_period_s and tx.instances.is_being_analysed(study_instance_uid):
        return max(due_at, moment + timedelta(seconds=LOOK_AGAIN_S))
    return due_at


def plan_forgotten_reports(services: Services) -> int:
    """Have those studies reported whose judged images no report covers and no job will; returns how many."""
    with services.ledger.reading() as tx:
        forgotten = tx.instances.routes_to_report()
    for study_instance_uid, route in forgotten:
        with services.ledger.transaction(study_instance_uid) as tx:
            plan_report(tx, services, study_instance_uid, route)
    return len(forgotten)
