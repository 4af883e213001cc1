"""Films, maps and reports of a study, made in the child process."""

from __future__ import annotations

import json

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from scp_node.errors import HilumError
from scp_node.queries.films import film_source, lungs_source, map_source
from scp_node.queries.result_files import report_files
from scp_node.web.access.viewing import note_viewed
from scp_node.web.access.visitor import Viewer, Visitor
from scp_node.web.context import context_of
from scp_node.web.pages.captions import language_of
from scp_node.web.pictures.frames import Frame
from scp_node.web.pictures.report_form import PageForm, report_answer, status_of

FILM_TIMEOUT_S = 60.0
# Where the film lies in the stored frame, for the script that draws regions over it.
PLACE_HEADER = "x-hilum-film"

router = APIRouter(prefix="/studies/{study_instance_uid}")


@router.get("/films/{sop_instance_uid}.png")
def film(request: Request, visitor: Viewer, study_instance_uid: str, sop_instance_uid: str) -> Response:
    """The rendered film, or in plain words why there is none."""
    context = context_of(request)
    try:
        with context.ledger.reading() as tx:
            source = film_source(tx, study_instance_uid, sop_instance_uid)
        made = context.desk.ask("films", "film", {"spool_name": source.spool_name}, (), FILM_TIMEOUT_S)
    except HilumError as error:
        return _no_picture(error)
    note_viewed(context, visitor, study_instance_uid)
    return _picture(made, {PLACE_HEADER: json.dumps(made[0])})


@router.get("/films/{sop_instance_uid}/map/{finding}.png")
def film_map(
    request: Request, visitor: Viewer, study_instance_uid: str, sop_instance_uid: str, finding: str
) -> Response:
    """The map of one finding as a layer of the size of the film."""
    context = context_of(request)
    try:
        with context.ledger.reading() as tx:
            source = map_source(tx, study_instance_uid, sop_instance_uid, finding)
        arguments = {
            "spool_name": source.spool_name,
            "rows": source.rows,
            "columns": source.columns,
            "full_scale": source.full_scale,
        }
        blobs = [source.cam, *([source.lungs] if source.lungs else [])]
        made = context.desk.ask("films", "map", arguments, blobs, FILM_TIMEOUT_S)
    except HilumError as error:
        return _no_picture(error)
    note_viewed(context, visitor, study_instance_uid)
    return _picture(made)


@router.get("/films/{sop_instance_uid}/lungs.png")
def film_lungs(request: Request, visitor: Viewer, study_instance_uid: str, sop_instance_uid: str) -> Response:
    """The outline of the lungs as a layer of the size of the film."""
    context = context_of(request)
    try:
        with context.ledger.reading() as tx:
            source = lungs_source(tx, study_instance_uid, sop_instance_uid)
        made = context.desk.ask("films", "lungs", {"spool_name": source.spool_name}, [source.lungs], FILM_TIMEOUT_S)
    except HilumError as error:
        return _no_picture(error)
    note_viewed(context, visitor, study_instance_uid)
    return _picture(made)


@router.get("/results/{result_uid}/report")
def report(request: Request, visitor: Viewer, study_instance_uid: str, result_uid: str) -> Response:
    """A Structured Report as a page to read or print."""
    return _report(request, visitor, study_instance_uid, result_uid, "html", "sr")


@router.get("/results/{result_uid}/report.pdf")
def report_pdf(request: Request, visitor: Viewer, study_instance_uid: str, result_uid: str) -> Response:
    """The same page as PDF: made of a Structured Report, or as it was sent."""
    return _report(request, visitor, study_instance_uid, result_uid, "pdf", "sr", "pdf")


def _report(
    request: Request, visitor: Visitor, study_instance_uid: str, result_uid: str, form: PageForm, *of: str
) -> Response:
    context, language = context_of(request), language_of(request)
    try:
        with context.ledger.reading() as tx:
            files = report_files(tx, study_instance_uid, result_uid, *of)
        made = report_answer(context.desk, files, form, language)
    except HilumError as error:
        return _no_picture(error)
    note_viewed(context, visitor, study_instance_uid)
    return made


def _picture(made: Frame, headers: dict[str, str] | None = None) -> Response:
    return Response(made[1][0], media_type="image/png", headers=headers)


def _no_picture(error: HilumError) -> Response:
    """422 where the image itself is at fault, 503 where another try may help."""
    status, code = status_of(error)
    return PlainTextResponse(f"{code}: {error}", status)
