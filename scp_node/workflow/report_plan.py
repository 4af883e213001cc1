"""When a study is reported: once no image has come for a while, and again where a report was forgotten."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from scp_node.ledger import InstanceRow, Transaction
from scp_node.ledger.records import now_utc
from scp_node.workflow.job_kinds import study_job
from scp_node.workflow.services import Services

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def plan_report(tx: Transaction, services: Services, study_instance_uid: str, cause: str = "") -> None:
    """After an image was judged: have each route of its study reported once the study has been quiet long enough."""
    images = tx.instances.of_study(study_instance_uid)
    due_at = last_arrival_of(images) + timedelta(seconds=services.settings().report.quiet_period_s)
    # each judgement has its own moment, so that each makes a job of its own and a second run of its job makes none
    latest = max(image.finished_at or image.received_at for image in images)
    for route in sorted({image.route for image in images if image.reportable and not image.covered and image.route}):
        job = study_job(study_instance_uid, route, cause or f"{latest:%Y%m%dT%H%M%S.%f}", due_at)
        services.jobs.put(tx, job)


def last_arrival_of(images: Sequence[InstanceRow]) -> datetime:
    """When the last image came that belongs into a report. A clock that was set back makes nobody wait for it."""
    moment = now_utc()
    arrivals = [image.received_at for image in images if image.reportable]
    return max((arrival for arrival in arrivals if arrival <= moment), default=EPOCH if arrivals else moment)


def plan_forgotten_reports(services: Services) -> int:
    """Have those studies reported whose judged images no report covers and no job will; returns how many."""
    with services.ledger.reading() as tx:
        forgotten = tx.instances.routes_to_report()
    for study_instance_uid, route in forgotten:
        with services.ledger.transaction() as tx:
            plan_report(tx, services, study_instance_uid, f"{route}-{time.time_ns()}")
    return len(forgotten)
