"""The page Try: choose a model, upload films, read what it says of each. Nothing is kept.

With JavaScript the page sends one file after the other to /api/predict; without, a form sends one file, and the answer
is a page.
"""

from __future__ import annotations

import json
import secrets

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse

from scp_node.queries.offered_models import offered_models
from scp_node.web.access.visitor import NotAllowed, Viewer
from scp_node.web.api.predict import DISCLAIMER
from scp_node.web.context import context_of
from scp_node.web.pages.rendering import page
from scp_node.web.uploads.judging import JudgedUpload, judged_upload
from scp_node.web.uploads.refusals import UploadRefused

router = APIRouter()


@router.get("/try")
def try_page(request: Request, visitor: Viewer) -> HTMLResponse:
    """The form."""
    return _page(request)


@router.post("/try")
async def try_one(request: Request, visitor: Viewer) -> HTMLResponse:
    """What a model says of the one file in the form."""

    def check(fields: dict[str, str]) -> None:
        if not secrets.compare_digest(fields.get("csrf_token", "").encode(), visitor.csrf.encode()):
            raise NotAllowed

    try:
        judged = await judged_upload(request, check)
    except UploadRefused as refused:
        return await run_in_threadpool(_page, request, refused.status, refused=refused)
    return await run_in_threadpool(_page, request, judged=judged, chosen=judged.answer["model"])


def _page(
    request: Request,
    status: int = 200,
    judged: JudgedUpload | None = None,
    refused: UploadRefused | None = None,
    chosen: str = "",
) -> HTMLResponse:
    settings = context_of(request).settings()
    models = offered_models(settings)
    usable = [one for one in models if one.label and not one.missing]
    return page(
        request,
        "try.html",
        status,
        usable=usable,
        chosen=chosen or next((one.label for one in usable if one.is_default), ""),
        lacking=[one for one in models if one.missing],
        bytes_max=settings.web.upload_bytes_max,
        judged=None if judged is None else judged.answer,
        heatmap=None if judged is None else judged.heatmap,
        document=None if judged is None else json.dumps(judged.answer, indent=2, ensure_ascii=False),
        refused=refused,
        disclaimer=DISCLAIMER,
    )
