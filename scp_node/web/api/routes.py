"""The API as a whole: its routes under /api/v1, the same under /api for the present version, and their description."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic.json_schema import models_json_schema

from scp_node.web.access.visitor import Viewer
from scp_node.web.api import predict, remote_aes, studies, work
from scp_node.web.api.answers import ProblemAnswer
from scp_node.web.api.examples import with_examples
from scp_node.web.api.reading import operations_of
from scp_node.web.api.refusals import answer_with_problems
from scp_node.web.pages.rendering import page

VERSION, PRESENT = "/api/v1", "/api"
ABOUT = (
    "Research use only, not a medical device. Routes stand under /api/v1; /api is the present version. A program sends "
    "`Authorization: Bearer TOKEN`; a token is made by `hilum user token NAME`. A viewer may do everything but retry "
    "jobs, which an operator may. Errors are problems (RFC 9457) with a code. Lists come in pages: `next` is the "
    "address of the one that follows."
)

documents = APIRouter()


def add_api(app: FastAPI) -> None:
    """Routes, description and errors."""
    for prefix in (VERSION, PRESENT):
        app.include_router(documents, prefix=prefix)
        app.include_router(_routes(), prefix=prefix)
    answer_with_problems(app)


@documents.get("/openapi.json")
def openapi(request: Request, visitor: Viewer) -> JSONResponse:
    """The description for programs."""
    return JSONResponse(description())


@documents.get("/docs")
def docs(request: Request, visitor: Viewer) -> HTMLResponse:
    """The description for people: made here, without anything from elsewhere."""
    found = description()
    return page(request, "api.html", about=found["info"]["description"], operations=operations_of(found))


@cache
def description() -> dict[str, Any]:
    """The API in OpenAPI 3.1, with examples."""
    found = get_openapi(
        title="Hilum",
        version=version("hilum"),
        description=ABOUT,
        routes=_routes().routes,
        servers=[{"url": VERSION}, {"url": PRESENT, "description": "the present version"}],
    )
    _, problem = models_json_schema([(ProblemAnswer, "serialization")], ref_template="#/components/schemas/{model}")
    components = found["components"]
    components["schemas"] |= problem["$defs"]
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": "hilum_session"},
    }
    found["security"] = [{"token": []}, {"session": []}]
    return with_examples(found)


@cache
def _routes() -> APIRouter:
    router = APIRouter()
    for one in (predict, studies, work, remote_aes):
        router.include_router(one.router)
    return router
