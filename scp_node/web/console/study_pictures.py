"""Films, maps and reports of a study, made in the child process."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from converter.result.sheet.words import LABELS
from scp_node.errors import HilumError, NothingFound, OutOfResources, PictureFailed, Removed
from scp_node.queries.films import film_source, lungs_source, map_source
from scp_node.queries.result_files import ReportFiles, report_files
from scp_node.web.access.viewing import note_viewed
from scp_node.web.access.visitor import Viewer
from scp_node.web.context import context_of
from scp_node.web.pages.captions import Captions, language_of
from scp_node.web.pictures.frames import Frame

FILM_TIMEOUT_S = 60.0
# The page of a report is ours, and what it says comes from elsewhere: no script, nothing fetched, an origin of its own.
REPORT_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
# Shown or saved under a name without the patient's.
PDF_HEADERS = {"content-disposition": 'inline; filename="report.pdf"'}
# Where the film lies in the stored frame, for the script that draws regions over it.
PLACE_HEADER = "x-hilum-film"
STATUSES: tuple[tuple[type[HilumError], int], ...] = ((NothingFound, 404), (Removed, 410), (OutOfResources, 503))
LOST = ("crashed", "timeout", "out-of-resources")

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
    context, language = context_of(request), language_of(request)
    try:
        with context.ledger.reading() as tx:
            files = report_files(tx, study_instance_uid, result_uid, "sr")
        captions = Captions(language)
        arguments = {**_files(files), "words": {label: captions(label) for label in LABELS}, "lang": language}
        _, (text,) = context.desk.ask("films", "report", arguments, (), FILM_TIMEOUT_S)
    except HilumError as error:
        return _no_picture(error)
    note_viewed(context, visitor, study_instance_uid)
    return Response(text, media_type="text/html; charset=utf-8", headers={"content-security-policy": REPORT_POLICY})


@router.get("/results/{result_uid}/report.pdf")
def report_pdf(request: Request, visitor: Viewer, study_instance_uid: str, result_uid: str) -> Response:
    """The same page as PDF: made of a Structured Report, or as it was sent."""
    context = context_of(request)
    try:
        with context.ledger.reading() as tx:
            files = report_files(tx, study_instance_uid, result_uid, "sr", "pdf")
        _, (pdf,) = context.desk.ask("films", "report-pdf", _files(files), (), FILM_TIMEOUT_S)
    except HilumError as error:
        return _no_picture(error)
    note_viewed(context, visitor, study_instance_uid)
    return Response(pdf, media_type="application/pdf", headers=PDF_HEADERS)


def _files(files: ReportFiles) -> dict[str, Any]:
    return {"spool_name": files.spool_name, "heatmaps": files.heatmaps, "films": files.films}


def _picture(made: Frame, headers: dict[str, str] | None = None) -> Response:
    return Response(made[1][0], media_type="image/png", headers=headers)


def _no_picture(error: HilumError) -> Response:
    """422 where the image itself is at fault, 503 where another try may help."""
    status = next((status for kind, status in STATUSES if isinstance(error, kind)), 500)
    code = error.code
    if isinstance(error, PictureFailed):
        code, status = error.reason_code, 503 if error.reason_code in LOST else 422
    return PlainTextResponse(f"{code}: {error}", status)
