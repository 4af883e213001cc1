"""The page Work: what waits in which queue, what was given up and why, one job, and the acts on them."""

from __future__ import annotations

from typing import Annotated, get_args
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from scp_node.errors import NothingFound, UsageError
from scp_node.ledger.records import JobKind, JobState
from scp_node.operations import jobs as operations
from scp_node.queries.job_advice import advice
from scp_node.queries.jobs import (
    LISTED_STATES,
    JobFilter,
    dead_causes,
    job_ids,
    job_story,
    jobs_after,
)
from scp_node.queries.queues import queue_lines
from scp_node.web.access.visitor import Operator, Viewer, acting
from scp_node.web.console.now import live_of
from scp_node.web.context import context_of
from scp_node.web.pages.captions import Captions, language_of
from scp_node.web.pages.rendering import page

JOBS_SHOWN, CAUSES_SHOWN, EVENTS_SHOWN = 50, 50, 200
RETRIED_MAX = 2_000
KINDS: tuple[JobKind, ...] = get_args(JobKind)

router = APIRouter()


@router.get("/jobs")
def work(
    request: Request,
    visitor: Viewer,
    state: Annotated[str, Query(max_length=16)] = "",
    kind: Annotated[str, Query(max_length=16)] = "",
    queue: Annotated[str, Query(max_length=48)] = "",
    after: Annotated[str, Query(max_length=200)] = "",
    retried: int = 0,
    cancelled: int = 0,
    left: int = 0,
) -> HTMLResponse:
    """Queues, causes, and the jobs that the filter of the address means."""
    states: tuple[JobState, ...] = tuple(one for one in LISTED_STATES if state in ("", one))
    wanted = JobFilter(states or LISTED_STATES, next((one for one in KINDS if one == kind), None), queue=queue or None)
    with context_of(request).ledger.reading() as tx:
        queues, causes = queue_lines(tx), dead_causes(tx, CAUSES_SHOWN)
        found = jobs_after(tx, wanted, JOBS_SHOWN + 1, after or None)
    jobs, is_more = found[:JOBS_SHOWN], len(found) > JOBS_SHOWN
    chosen = {"state": state, "kind": kind, "queue": queue}
    return page(
        request,
        "work.html",
        queues=queues,
        causes=causes,
        jobs=jobs,
        chosen=chosen,
        this_page=f"/jobs?{urlencode({name: value for name, value in {**chosen, 'after': after}.items() if value})}",
        is_first=not after,
        first_page=f"/jobs?{urlencode(chosen)}#jobs",
        next_page=f"/jobs?{urlencode({**chosen, 'after': jobs[-1].job_id})}#jobs" if is_more else "",
        states=LISTED_STATES,
        kinds=KINDS,
        names=sorted({line.queue for line in queues} | {one.cause.queue for one in causes} | ({queue} - {""})),
        done={"retried": retried, "cancelled": cancelled, "left": left},
    )


@router.get("/jobs/{job_id:path}")
def job(request: Request, visitor: Viewer, job_id: str) -> HTMLResponse:
    """Everything the ledger knows of one job, and what happened to its subject."""
    try:
        with context_of(request).ledger.reading() as tx:
            story = job_story(tx, job_id, EVENTS_SHOWN)
    except NothingFound:
        return _message(request, 404, "There is no such job.", "It may have been erased with its study.")
    return page(request, "job.html", story=story, advice=advice(story.job.kind, story.job.error))


@router.post("/jobs/retry", response_model=None)
def retry(request: Request, visitor: Operator, job_id: Annotated[str, Form()]) -> HTMLResponse | RedirectResponse:
    """Start one job again now."""
    context = context_of(request)
    try:
        operations.retry_job(context.ledger, context.waker, job_id, acting(request))
    except UsageError as error:
        return _message(request, 409, "It was left alone.", str(error))
    live_of(request).forget()
    return RedirectResponse(f"/jobs/{job_id}", 303)


@router.post("/jobs/cancel", response_model=None)
def cancel(request: Request, visitor: Operator, job_id: Annotated[str, Form()]) -> HTMLResponse | RedirectResponse:
    """Take one job out of its queue."""
    try:
        operations.cancel_job(context_of(request).ledger, job_id, acting(request))
    except UsageError as error:
        return _message(request, 409, "It was left alone.", str(error))
    live_of(request).forget()
    return RedirectResponse(f"/jobs/{job_id}", 303)


@router.post("/jobs/retry-cause", response_model=None)
def retry_cause(request: Request, visitor: Operator, cause: Annotated[str, Form()]) -> HTMLResponse | RedirectResponse:
    """Start the oldest RETRIED_MAX jobs again that were given up for one reason."""
    context = context_of(request)
    with context.ledger.reading() as tx:
        meant = next((one for one in dead_causes(tx, CAUSES_SHOWN) if one.ident == cause), None)
        chosen = job_ids(tx, meant.filter(), RETRIED_MAX) if meant is not None else ()
    if meant is None:
        return _message(request, 409, "It was left alone.", "Nothing is given up for this reason any more.")
    acts = operations.retry_jobs(context.ledger, context.waker, chosen, acting(request))
    retried = sum(act.outcome == "done" for act in acts)
    live_of(request).forget()
    if not retried:
        text = "No job could be tried again: somebody was faster, or they are in another state by now."
        return _message(request, 409, "It was left alone.", text)
    return RedirectResponse(f"/jobs?retried={retried}&left={meant.cause.jobs - retried}", 303)


def _message(request: Request, status: int, heading: str, text: str) -> HTMLResponse:
    captions = Captions(language_of(request))
    return page(request, "message.html", status, heading=captions(heading), text=captions(text))
