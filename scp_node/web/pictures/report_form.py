"""Asks for the one-page report of a result, in the language of whoever reads it."""

from __future__ import annotations

from typing import Literal

from fastapi.responses import Response

from converter.words.catalogue import Language
from scp_node.errors import HilumError, NothingFound, OutOfResources, PictureFailed, Removed, UsageError
from scp_node.queries.result_files import ReportFiles
from scp_node.web.pictures.desk import PictureDesk

PageForm = Literal["html", "pdf"]
MEDIA_TYPES: dict[PageForm, str] = {"html": "text/html; charset=utf-8", "pdf": "application/pdf"}
TIMEOUT_S = 60.0
# The page of a report is ours, and what it says comes from elsewhere: no script, nothing fetched, an origin of its own.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
# A document is shown or saved under a name without the patient's.
HEADERS: dict[PageForm, dict[str, str]] = {
    "html": {"content-security-policy": POLICY},
    "pdf": {"content-disposition": 'inline; filename="report.pdf"'},
}

STATUSES: tuple[tuple[type[HilumError], int], ...] = (
    (NothingFound, 404),
    (Removed, 410),
    (UsageError, 409),
    (OutOfResources, 503),
)
LOST = ("crashed", "timeout", "out-of-resources")


def report_answer(desk: PictureDesk, files: ReportFiles, form: PageForm, language: Language) -> Response:
    """Raises PictureFailed or OutOfResources."""
    arguments = {
        "spool_name": files.spool_name,
        "heatmaps": files.heatmaps,
        "films": files.films,
        "form": form,
        "language": language,
    }
    _, (made,) = desk.ask("films", "report", arguments, (), TIMEOUT_S)
    return Response(made, media_type=MEDIA_TYPES[form], headers=HEADERS[form])


def status_of(error: HilumError) -> tuple[int, str]:
    """HTTP status and code of a picture or report that was not made: 422 where what it is made of is at fault, 503
    where another try may help."""
    if isinstance(error, PictureFailed):
        return (503 if error.reason_code in LOST else 422), error.reason_code
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 500), error.code
