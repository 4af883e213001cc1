"""`POST /dicom-web/studies`: Store Instances (PS3.18 10.5). An instance is answered as stored when it is as durable as
after a C-STORE."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from scp_node.dimse.uids import is_uid_as_sent
from scp_node.errors import CannotUnderstand
from scp_node.intake.dicomweb.incoming_file import FileAnswer, Offer
from scp_node.intake.dicomweb.incoming_files import IncomingFiles
from scp_node.intake.dicomweb.related_parts import (
    DICOM,
    RELATED,
    MalformedBody,
    RelatedParts,
    TooManyParts,
    boundary_of,
    media_type,
)
from scp_node.intake.store import Requestor, Store
from scp_node.intake.terms import classes_taken
from scp_node.receive.deadlines import Deadlines
from scp_node.settings import Settings
from scp_node.settings.web import SENDER_CHARS_MAX, STOW_TITLE, stow_source
from scp_node.telemetry import metrics
from scp_node.web.access.visitor import Acting, AtLeast, NotAllowed, Visitor
from scp_node.web.api.refusals import ApiRefused
from scp_node.web.context import WebContext, context_of
from scp_node.web.dicomweb.body import Body, BodyTooLarge, BodyTooSlow, SenderLeft
from scp_node.web.dicomweb.response import DICOM_JSON, is_stored, status_of, store_response, warning_of
from scp_node.web.dicomweb_path import STUDIES

log = logging.getLogger(__name__)
RETRY_AFTER_S = "5"
router = APIRouter()


def sending_program(request: Request) -> Visitor:
    """A dependency: a program with a token of the scope store. Raises SignInNeeded and NotAllowed."""
    visitor = AtLeast("operator")(request)
    if not visitor.is_program:
        raise NotAllowed
    return visitor


Sender = Annotated[Visitor, Depends(sending_program)]


@dataclass
class StowPlaces:
    """How many requests are under way; used by one event loop alone."""

    taken: int = 0

    @contextmanager
    def one(self, most: int) -> Iterator[None]:
        """A place until the request is answered. Raises ApiRefused."""
        if self.taken >= most:
            why = "as many requests as may be are under way: try again in a moment; see web.stow.requests_max"
            raise ApiRefused(503, "busy", why, {"Retry-After": RETRY_AFTER_S})
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1


@router.post(STUDIES)
async def store_instances(request: Request, visitor: Sender, operator: Acting) -> JSONResponse:
    """Store instances of any studies."""
    return await _stored(request, visitor, operator, "")


@router.post(STUDIES + "/{study}")
async def store_in_study(request: Request, visitor: Sender, operator: Acting, study: str) -> JSONResponse:
    """Store instances of one study; those of others are refused."""
    return await _stored(request, visitor, operator, study)


async def _stored(request: Request, visitor: Visitor, operator: Acting, study: str) -> JSONResponse:
    context = context_of(request)
    settings = context.settings()
    deadlines = Deadlines(settings.receiver)
    body = Body(request, deadlines, settings.web.stow.request_bytes_max)
    places: StowPlaces = request.app.state.stow_places
    try:
        store = _store_of(context)
        boundary = _boundary(request)
        _check(request, visitor, settings, study)
        with places.one(settings.web.stow.requests_max):
            files = IncomingFiles(_offer(store, settings, visitor, study), deadlines, _counted)
            broken, status = await _received(files, body, boundary, settings.web.stow.instances_max)
    except ApiRefused:
        await body.drop_rest()
        raise
    if broken and status != 408:
        await body.drop_rest()
    if status is not None and not any(map(is_stored, files.answers)):
        source = stow_source(visitor.name)
        log.warning("STOW-RS refused", extra={"source": source, "http_status": status, "reason": broken})
        raise ApiRefused(status, "malformed-body" if status == 400 else "request-refused", broken)
    await run_in_threadpool(_record, operator, files.answers, study)
    return _answer(files.answers, broken, visitor)


async def _received(files: IncomingFiles, body: Body, boundary: str, parts_max: int) -> tuple[str, int | None]:
    """Have every part stored. Returns why the body could not be read to its end, and the HTTP status that says so where
    nothing was stored before; nothing and None where all of it was read."""
    try:
        parts = RelatedParts(boundary, files, parts_max)
        async for piece in body.pieces():
            await run_in_threadpool(parts.write, piece)
        parts.finish()
    except TooManyParts as error:
        return f"{error}; see web.stow.instances_max", 413
    except MalformedBody as error:
        return str(error), 400
    except BodyTooLarge:
        return "the request has more bytes than web.stow.request_bytes_max", 413
    except BodyTooSlow as error:
        return f"the request was too slow: {error}", 408
    except SenderLeft:
        return "the connection ended before the request", 400
    finally:
        files.discard()
    return "", None


def _store_of(context: WebContext) -> Store:
    if context.store is None:
        raise ApiRefused(404, "stow-off", "this node takes nothing by STOW-RS; see web.stow.enabled")
    return context.store


def _boundary(request: Request) -> str:
    try:
        found = boundary_of(media_type(request.headers.get("content-type", "")))
    except MalformedBody as error:
        raise ApiRefused(400, "malformed-body", str(error)) from error
    is_encoded = request.headers.get("content-encoding", "identity").lower() != "identity"
    if found is None or is_encoded:
        raise ApiRefused(415, "media-type", f'send {RELATED}; type="{DICOM}", without a content encoding')
    return found


def _check(request: Request, visitor: Visitor, settings: Settings, study: str) -> None:
    if len(visitor.name) > SENDER_CHARS_MAX:
        why = f"the name of a user that sends has {SENDER_CHARS_MAX} characters at most, as an AE title has"
        raise ApiRefused(403, "sender-name", why)
    if study and not is_uid_as_sent(study):
        raise ApiRefused(400, "invalid-request", "the study in the address is no UID")
    most, length = settings.web.stow.request_bytes_max, request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > most:
        raise ApiRefused(413, "request-too-large", f"a request has {most} bytes at most; see web.stow")


def _offer(store: Store, settings: Settings, visitor: Visitor, study: str) -> Offer:
    """The same SOP classes as the listener negotiates, and the same size."""
    sender = Requestor(stow_source(visitor.name), visitor.name, STOW_TITLE)
    return Offer(store, sender, classes_taken(settings), settings.receiver.instance_bytes_max, study)


def _counted(one: FileAnswer) -> None:
    metrics.stow_instances.labels(f"0x{one.answer.status:04X}").inc()


def _record(operator: Acting, answers: list[FileAnswer], study: str) -> None:
    """One act a request; each instance has its own line in the log, and its row."""
    stored = [one for one in answers if is_stored(one)]
    subject = study or next((one.study_instance_uid for one in stored), "")
    detail = f"{len(stored)} stored, {len(answers) - len(stored)} refused"
    operator.record("store-instances", "study", subject, "done" if stored else "refused", detail)


def _answer(answers: list[FileAnswer], broken: str, visitor: Visitor) -> JSONResponse:
    status = status_of(answers, is_broken=bool(broken))
    warning = warning_of(answers, broken)
    headers = {"Warning": warning} if warning else {}
    if status == 503:
        headers["Retry-After"] = RETRY_AFTER_S
    failure = CannotUnderstand.dimse_status if broken else None
    stored = sum(map(is_stored, answers))
    log.info(
        "instances came by STOW-RS",
        extra={
            "source": stow_source(visitor.name),
            "token": visitor.token,
            "stored": stored,
            "refused": len(answers) - stored,
            "http_status": status,
            **({"reason": broken} if broken else {}),
        },
    )
    return JSONResponse(store_response(answers, failure), status, headers, DICOM_JSON)
