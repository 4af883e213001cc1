"""Finds out who asks, once for each request, from the cookie of a session or from an API token."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from datetime import datetime, timedelta
from typing import Any

from fastapi import HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import PlainTextResponse, Response
from sqlalchemy.exc import SQLAlchemyError

from scp_node.ledger.records import now_utc
from scp_node.operations.accounts import digest_of
from scp_node.web.access.cookies import csrf_of, session_secret
from scp_node.web.access.visitor import SAFE_METHODS, Visitor, reads_its_body
from scp_node.web.admission import Application, Receive, Scope, Send
from scp_node.web.context import WebContext
from scp_node.web.dicomweb_path import is_dicomweb
from scp_node.web.health import HEALTH_PATHS
from scp_node.web.problems import is_api, problem
from scp_node.web.safe_answers import STATIC

log = logging.getLogger(__name__)
SCHEME = "bearer "  # RFC 6750 2.1
SEEN_EVERY_S = 60.0
# Whoever is not known has forms to send, and no files.
STRANGERS_BYTES_MAX = 65_536
# No more than a reader of forms keeps in memory: a configuration that somebody sends holds secrets.
FORM_BYTES_MAX = 1024 * 1024
# A page that asks for news by itself says so.
ALONE_HEADER = "x-hilum-alone"


class Entrance:
    """Puts the visitor, or None, into the state of the request."""

    def __init__(self, app: Application) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in HEALTH_PATHS or scope["path"].startswith(STATIC):
            await self._app(scope, receive, send)
            return
        request, context = Request(scope), scope["app"].state.context
        if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
            await _not_text(request)(scope, receive, send)
            return
        try:
            visitor = await run_in_threadpool(visitor_behind, request, context)
        except (SQLAlchemyError, TimeoutError) as error:
            log.warning("visitor not looked up", extra={"reason": type(error).__name__})
            refusal: Response = PlainTextResponse("the ledger cannot be read: try again\n", 503, {"Retry-After": "5"})
            await refusal(scope, receive, send)
            return
        if visitor is None and request.method not in SAFE_METHODS and (why := _too_much(request)) is not None:
            close = {"Connection": "close"}
            refusal = PlainTextResponse("sign in first\n", why, close)
            if is_dicomweb(scope["path"]):  # a program whose token is wrong, and that has sent nothing that is too much
                refusal = problem(401, "send a token", {"WWW-Authenticate": "Bearer", **close})
            await refusal(scope, receive, send)
            return
        scope.setdefault("state", {})["visitor"] = visitor
        reads_itself = visitor is not None and reads_its_body(scope["path"])
        await self._app(scope, receive if reads_itself else _bounded(receive), send)


def visitor_behind(request: Request, context: WebContext) -> Visitor | None:
    """An Authorization header is believed or not; it is never ignored because there is a cookie, too."""
    said = request.headers.get("authorization")
    now = now_utc()
    if said is not None:
        is_token = said[: len(SCHEME)].lower() == SCHEME
        return _program(context, said[len(SCHEME) :].strip(), now) if is_token else None
    secret = session_secret(request)
    if not secret:
        return None
    # a page that is open and looks for news by itself does not mean that somebody is there
    headers = request.headers
    is_alone = "text/event-stream" in headers.get("accept", "") or headers.get(ALONE_HEADER) == "1"
    return _person(context, secret, now, is_alone)


def _person(context: WebContext, secret: str, now: datetime, is_alone: bool) -> Visitor | None:
    digest = digest_of(secret)
    with context.ledger.reading() as tx:
        found = tx.sessions.get(digest)
    if found is None:
        return None
    session, user = found
    idle = now - (context.seen.of(digest, session.seen_at) or session.seen_at)
    is_over = session.ended_at is not None or now >= session.expires_at
    if is_over or user.disabled_at is not None or idle > timedelta(seconds=context.settings().web.session_idle_s):
        return None
    if not is_alone and idle > timedelta(seconds=SEEN_EVERY_S):

        def write() -> None:
            with context.ledger.transaction() as tx:
                tx.sessions.see(digest, now)

        context.seen.note(digest, now, write)
    return Visitor(user.name, user.role, csrf_of(secret), digest)


def _program(context: WebContext, secret: str, now: datetime) -> Visitor | None:
    with context.ledger.reading() as tx:
        found = tx.sessions.token(digest_of(secret))
    if found is None:
        return None
    token, user = found
    if not token.is_valid(now) or user.disabled_at is not None:
        return None
    used_at = context.seen.of(token.token_id, token.last_used_at)
    if used_at is None or now - used_at > timedelta(seconds=SEEN_EVERY_S):

        def write() -> None:
            with context.ledger.transaction() as tx:
                tx.sessions.use_token(token.token_id, now)

        context.seen.note(token.token_id, now, write)
    return Visitor(user.name, user.role, scopes=token.scopes, token=token.name)


def _too_much(request: Request) -> int | None:
    """411 or 413 for what a stranger may not send. A body in chunks may be of any length, whatever else is said."""
    if "transfer-encoding" in request.headers:
        return 411
    length = request.headers.get("content-length", "")
    if not length.isascii() or not length.isdigit():
        return 411 if length else None
    return 413 if len(length) > 9 or int(length) > STRANGERS_BYTES_MAX else None


def _not_text(request: Request) -> Response:
    """No name here holds a NUL, and not every database takes one."""
    if is_api(request):
        return problem(422, "an address holds no NUL", code="invalid-request")
    return PlainTextResponse("an address holds no NUL\n", 400)


def _bounded(receive: Receive) -> Receive:
    """Gives what comes, and 413 instead of more than a form may have."""
    taken = 0

    async def bounded() -> MutableMapping[str, Any]:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > FORM_BYTES_MAX:
            raise HTTPException(413, f"a form has {FORM_BYTES_MAX} bytes at most", {"Connection": "close"})
        return message

    return bounded
