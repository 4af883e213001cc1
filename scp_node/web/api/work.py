"""`/api/jobs` and `/api/deliveries`: what waits, runs or was given up, and which results are on their way."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel

from scp_node.errors import HilumError
from scp_node.ledger import JobRow
from scp_node.ledger.records import DeliveryState, JobKind, JobState
from scp_node.operations.jobs import retry_job
from scp_node.queries.deliveries import DeliveryFilter, DeliveryRecord, list_deliveries
from scp_node.queries.jobs import LISTED_STATES, JobFilter, job_details, list_jobs
from scp_node.web.access.visitor import Operator, Viewer, acting
from scp_node.web.api.answers import Moment, Word, problems
from scp_node.web.api.paging import After, Limit, moment_of, next_page, place_of
from scp_node.web.api.refusals import refused_by_node
from scp_node.web.context import context_of
from scp_node.workflow.job_kinds import destination_of

StudyUid = Annotated[str | None, Query(pattern=r"^[0-9.]{1,64}$")]

router = APIRouter(tags=["work"])


class JobAnswer(BaseModel):
    """One job; `attempts`: how many have ended. `destination` where it sends something. `error` says why it waits or
    was given up."""

    job_id: str
    kind: JobKind
    state: JobState
    attempts: int
    created_at: datetime
    due_at: datetime
    changed_at: datetime
    error: str
    study_instance_uid: str
    subject: str
    destination: str | None


class JobsAnswer(BaseModel):
    items: list[JobAnswer]
    next: str | None


class DeliveriesAnswer(BaseModel):
    items: list[DeliveryRecord]
    next: str | None


@router.get("/jobs", responses=problems())
def jobs(
    request: Request,
    visitor: Viewer,
    state: Annotated[list[Literal["queued", "waiting", "running", "dead"]] | None, Query(max_length=4)] = None,
    kind: JobKind | None = None,
    study_instance_uid: StudyUid = None,
    destination: Word | None = None,
    limit: Limit = 50,
    after: After = None,
) -> JobsAnswer:
    """Jobs that are not done, oldest first. Those that are done stand in their study."""
    place = None if after is None else place_of(after, 2)
    behind = None if place is None else (moment_of(place[0]), place[1])
    wanted = JobFilter(state or LISTED_STATES, kind, study_instance_uid, destination, after=behind)
    with context_of(request).ledger.reading() as tx:
        found = list_jobs(tx, wanted, limit + 1).jobs
    items = [_job(one) for one in found[:limit]]
    following = None
    if len(found) > limit:
        following = next_page(request, items[-1].created_at.isoformat(), items[-1].job_id)
    return JobsAnswer(items=items, next=following)


@router.post("/jobs/{job_id}/retry", responses=problems(404, 409))
def retry(request: Request, visitor: Operator, job_id: Annotated[Word, Path()]) -> JobAnswer:
    """Start a dead or waiting job again now."""
    context = context_of(request)
    try:
        with context.ledger.reading() as tx:
            job_details(tx, job_id)
        retry_job(context.ledger, context.waker, job_id, acting(request))
        with context.ledger.reading() as tx:
            return _job(job_details(tx, job_id).job)
    except HilumError as error:
        raise refused_by_node(error) from error


@router.get("/deliveries", responses=problems())
def deliveries(
    request: Request,
    visitor: Viewer,
    state: Annotated[list[DeliveryState] | None, Query(max_length=5)] = None,
    destination: Word | None = None,
    study_instance_uid: StudyUid = None,
    created_from: Annotated[Moment | None, Query(alias="from")] = None,
    limit: Limit = 50,
    after: After = None,
) -> DeliveriesAnswer:
    """Results on their way to archives, newest first."""
    place = None if after is None else place_of(after, 2)
    behind = None if place is None else (place[0], place[1])
    wanted = DeliveryFilter(state or (), destination, study_instance_uid, created_from, behind)
    with context_of(request).ledger.reading() as tx:
        found = list_deliveries(tx, wanted, limit + 1)
    items = list(found[:limit])
    following = next_page(request, items[-1].result_uid, items[-1].destination) if len(found) > limit else None
    return DeliveriesAnswer(items=items, next=following)


def _job(job: JobRow) -> JobAnswer:
    known = {name: getattr(job, name) for name in JobAnswer.model_fields if name != "destination"}
    return JobAnswer(**known, destination=destination_of(job.queue))
