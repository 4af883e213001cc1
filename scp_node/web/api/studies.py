"""`GET /api/studies`: the studies that came, newest first, and what became of one. Without names of patients."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel

from scp_node.errors import HilumError
from scp_node.ledger.records import InstanceState
from scp_node.queries.result_files import last_report
from scp_node.queries.studies import StudyFilter, StudyKey, StudySummary, page_of_studies
from scp_node.queries.study_story import StudyStory, story_of
from scp_node.web.access.viewing import note_viewed
from scp_node.web.access.visitor import Viewer, Visitor
from scp_node.web.api.answers import Moment, Word, problems
from scp_node.web.api.paging import After, Limit, moment_of, next_page, place_of
from scp_node.web.api.refusals import ApiRefused
from scp_node.web.context import context_of
from scp_node.web.pages.captions import language_of
from scp_node.web.pictures.report_form import MEDIA_TYPES, PageForm, report_answer, status_of

STORY_ROWS_MAX = 1_000
UID = Annotated[str, Path(pattern=r"^[0-9.]{1,64}$", examples=["1.2.840.113619.2.5.1"])]
Route = Annotated[Word | None, Query(description="Whose report, where several routes have one.")]

router = APIRouter(tags=["studies"])


def sheet_answers(form: PageForm) -> dict[int | str, dict[str, Any]]:
    """What a report in one form may be answered with."""
    media_type, _, _ = MEDIA_TYPES[form].partition(";")
    body = {"schema": {"type": "string"}} if form == "html" else {"schema": {"type": "string", "format": "binary"}}
    return {200: {"content": {media_type: body}}} | problems(404, 409, 410, 503)


class StudiesAnswer(BaseModel):
    """`next` is the address of the page that follows, null on the last one. Where what is asked for is rare, a page has
    fewer items than its limit, or none, because enough studies were looked through: `next` goes on behind these."""

    items: list[StudySummary]
    next: str | None


@router.get("/studies", responses=problems())
def studies(
    request: Request,
    visitor: Viewer,
    received_from: Annotated[Moment | None, Query(alias="from", examples=["2026-01-31T00:00:00Z"])] = None,
    received_before: Annotated[Moment | None, Query(alias="before")] = None,
    accession_number: Annotated[list[Word] | None, Query(max_length=50)] = None,
    source: Annotated[Word | None, Query(description="Name of the remote AE that it came from.")] = None,
    state: InstanceState | None = None,
    declined: Annotated[bool, Query(description="An image of it was declined.")] = False,
    decline_code: Annotated[Word | None, Query(description="An image of it was declined for this reason.")] = None,
    positive: Annotated[bool, Query(description="Something was found in an image of it.")] = False,
    finding: Annotated[Word | None, Query(description="This was found in an image of it.")] = None,
    dead: Annotated[bool, Query(description="Something of it was given up.")] = False,
    limit: Limit = 50,
    after: After = None,
) -> StudiesAnswer:
    """The studies that came, newest first. A study is listed when one of its images is as asked for."""
    wanted = StudyFilter(
        received_from=received_from,
        received_before=received_before,
        source=source,
        state=state,
        declined=declined,
        decline_code=decline_code,
        positive=positive,
        finding=finding,
        dead=dead,
        accession_numbers=accession_number or (),
    )
    with context_of(request).ledger.reading() as tx:
        found = page_of_studies(tx, wanted, limit, None if after is None else _place(after))
    last = found.next
    following = (
        None if last is None else next_page(request, last.first_received_at.isoformat(), last.study_instance_uid)
    )
    return StudiesAnswer(items=list(found.studies), next=following)


@router.get("/studies/{study_instance_uid}", responses=problems(404))
def study(request: Request, visitor: Viewer, study_instance_uid: UID) -> StudyStory:
    """What happened to one study: its images, findings, reports, results, jobs and events."""
    context = context_of(request)
    with context.ledger.reading() as tx:
        story = story_of(tx, study_instance_uid, STORY_ROWS_MAX)
    if not (story.images or story.reports or story.jobs or story.events):
        raise ApiRefused(404, "nothing-found", f"no study {study_instance_uid} came to this node")
    note_viewed(context, visitor, study_instance_uid)
    return story


@router.get("/studies/{study_instance_uid}/report.html", responses=sheet_answers("html"), response_class=Response)
def report_page(request: Request, visitor: Viewer, study_instance_uid: UID, route: Route = None) -> Response:
    """The last report as a page, as the console shows it. It names the patient."""
    return _report(request, visitor, study_instance_uid, route, "html", "sr")


@router.get("/studies/{study_instance_uid}/report.pdf", responses=sheet_answers("pdf"), response_class=Response)
def report_document(request: Request, visitor: Viewer, study_instance_uid: UID, route: Route = None) -> Response:
    """The last report as PDF. It names the patient."""
    return _report(request, visitor, study_instance_uid, route, "pdf", "sr", "pdf")


def _report(
    request: Request, visitor: Visitor, study_instance_uid: str, route: str | None, form: PageForm, *kinds: str
) -> Response:
    context, language = context_of(request), language_of(request)
    try:
        with context.ledger.reading() as tx:
            files = last_report(tx, study_instance_uid, route, *kinds)
        made = report_answer(context.desk, files, form, language)
    except HilumError as error:
        status, code = status_of(error)
        raise ApiRefused(status, code, str(error)) from error
    note_viewed(context, visitor, study_instance_uid)
    return made


def _place(cursor: str) -> StudyKey:
    """The place of the study that the page before ended with."""
    moment, uid = place_of(cursor, 2)
    return StudyKey(moment_of(moment), uid)
