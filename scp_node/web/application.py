"""All that the node serves over HTTP: the checks of health, the pages, their files, and what refusals look like."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from fastapi import Depends, FastAPI, Request
from fastapi.exception_handlers import http_exception_handler, request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from scp_node.monitoring.certificate_expiry import certificate_faults
from scp_node.web.access.entrance import Entrance
from scp_node.web.access.guard import ForgedForm, guard
from scp_node.web.access.visitor import NotAllowed, SignInNeeded
from scp_node.web.api.refusals import invalid_request, no_such_route
from scp_node.web.api.routes import add_api
from scp_node.web.console import (
    about,
    account,
    audit,
    configuration,
    handbook,
    models,
    now,
    provider,
    remote_aes,
    signing_in,
    studies,
    study,
    study_acts,
    study_pictures,
    trying,
    work,
)
from scp_node.web.console.reproductions import Reproductions
from scp_node.web.context import WebContext
from scp_node.web.dicomweb import routes as dicomweb
from scp_node.web.health import health_routes
from scp_node.web.live import LiveNow
from scp_node.web.pages import preferences
from scp_node.web.pages.captions import Captions, language_of
from scp_node.web.pages.rendering import page
from scp_node.web.problems import is_api, problem, wants_page
from scp_node.web.uploads.room import UploadRoom

log = logging.getLogger(__name__)
STATIC = Path(__file__).with_name("static")
ROUTERS = (
    preferences.router,
    signing_in.router,
    account.router,
    audit.router,
    about.router,
    now.router,
    studies.router,
    study.router,
    study_pictures.router,
    study_acts.router,
    work.router,
    remote_aes.router,
    handbook.router,
    trying.router,
    configuration.router,
    models.router,
    provider.router,
    dicomweb.router,
)

# By status, what a page says of a request that no page answers: heading and text. All others are as 400.
ERROR_PAGES = {
    400: (
        "Not understood",
        "The address or the form holds something that this node cannot take: go back, try again.",
    ),
    404: ("Not found", "There is no such page. Look at the address, or choose a page above."),
    405: ("Not done", "This address does not take such a request. Choose a page above."),
    413: ("Not done", "The form holds more than this node takes."),
}


def build_app(context: WebContext, cautions: Callable[[], list[str]]) -> FastAPI:
    """The application over the node of `context`. `cautions` says what its settings leave open."""
    app = FastAPI(title="Hilum", docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(guard)])
    app.state.context, app.state.uploads = context, UploadRoom()
    app.state.live, app.state.reproductions = LiveNow(context), Reproductions()
    app.state.stow_places = dicomweb.StowPlaces()
    app.add_middleware(Entrance)
    app.include_router(health_routes(context.statuses, context.database, lambda: _faults(context), cautions))
    for router in ROUTERS:
        app.include_router(router)
    add_api(app)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(SignInNeeded, _sign_in_needed)
    app.add_exception_handler(NotAllowed, _not_allowed)
    app.add_exception_handler(ForgedForm, _forged_form)
    for ledger_is_away in (SQLAlchemyError, TimeoutError):
        app.add_exception_handler(ledger_is_away, _ledger_away)
    return app


def _faults(context: WebContext) -> list[str]:
    spool = None if context.store is None else context.store.spool
    unhealthy = [f"web takes no images: {spool.unhealthy_reason}"] if spool is not None and not spool.healthy else []
    return [*certificate_faults(context.settings().tls, datetime.now(UTC)), *unhealthy]


async def _http_error(request: Request, error: Exception) -> Response:
    """No route answers, or not to this method, or not so much."""
    assert isinstance(error, HTTPException)
    if is_api(request):
        return no_such_route(error)
    if not wants_page(request):
        return await http_exception_handler(request, error)
    captions = Captions(language_of(request))
    heading, text = ERROR_PAGES.get(error.status_code, ERROR_PAGES[400])
    answer = page(request, "message.html", error.status_code, heading=captions(heading), text=captions(text))
    answer.headers.update(error.headers or {})
    return answer


async def _not_understood(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if is_api(request):
        return invalid_request(error)
    if not wants_page(request):
        return await request_validation_exception_handler(request, error)
    captions = Captions(language_of(request))
    heading, text = ERROR_PAGES[400]
    return page(request, "message.html", 422, heading=captions(heading), text=captions(text))


def _sign_in_needed(request: Request, error: Exception) -> Response:
    if is_api(request):
        return problem(401, "sign in, or send a token", {"WWW-Authenticate": "Bearer"})
    if "hx-request" in request.headers:  # a part of a page that is open: the page itself leads to the sign-in
        return Response(status_code=401, headers={"HX-Refresh": "true"})
    back = request.url.path if request.method == "GET" else "/"
    return RedirectResponse(f"/sign-in?back={quote(back)}", 303)


def _not_allowed(request: Request, error: Exception) -> Response:
    if is_api(request):
        return problem(403, "this account or token may not do that")
    captions = Captions(language_of(request))
    text = captions("Your account may not do that. Ask an administrator of this node.")
    return page(request, "message.html", 403, heading=captions("Not allowed"), text=text)


def _ledger_away(request: Request, error: Exception) -> Response:
    log.error("request not answered", exc_info=error)
    if is_api(request):
        return problem(503, "the ledger cannot be used at this moment: try again", {"Retry-After": "5"})
    captions = Captions(language_of(request))
    text = captions("The ledger of this node cannot be used at this moment. Try again in a few seconds.")
    answer = page(request, "message.html", 503, heading=captions("Not now"), text=text)
    answer.headers["Retry-After"] = "5"
    return answer


def _forged_form(request: Request, error: Exception) -> Response:
    if is_api(request):
        return problem(403, "send the header X-CSRF-Token of this session, or ask with a token and without a cookie")
    captions = Captions(language_of(request))
    text = captions("This form is too old, or comes from another place. Open the page again, and try once more.")
    return page(request, "message.html", 403, heading=captions("Not allowed"), text=text)
