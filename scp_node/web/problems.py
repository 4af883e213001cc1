"""How the API says that something is wrong (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import Request
from fastapi.responses import JSONResponse

from scp_node.web.dicomweb_path import is_dicomweb

API = "/api/"


def is_api(request: Request) -> bool:
    """Whether a program asks, and wants JSON."""
    return request.url.path.startswith(API) or is_dicomweb(request.url.path)


def wants_page(request: Request) -> bool:
    """Whether a browser asks that shows the answer to a person."""
    return "text/html" in request.headers.get("accept", "")


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None, /, **more: object) -> JSONResponse:
    """`detail` says what to do; `more` is put beside it."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    return JSONResponse(body, status, headers, media_type="application/problem+json")
