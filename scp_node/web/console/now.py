"""The page Now: how the node is at this moment, and the stream that keeps it so."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import APIRouter, Header, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from sqlalchemy.exc import SQLAlchemyError

from scp_node.web.access.visitor import Viewer
from scp_node.web.context import context_of
from scp_node.web.live import STREAM_S_MAX, STREAM_SHARE, LiveNow, TooManyListeners
from scp_node.web.pages.captions import Captions, language_of
from scp_node.web.pages.rendering import page

router = APIRouter()


def live_of(request: Request) -> LiveNow:
    return cast(LiveNow, request.app.state.live)


@router.get("/")
def now(request: Request, visitor: Viewer) -> HTMLResponse:
    """Counts, latency, queues, remote AEs, models, disk, certificates, and what is wrong."""
    try:
        sections = live_of(request).sections(language_of(request))
    except SQLAlchemyError:
        captions = Captions(language_of(request))
        text = captions("Look at its disk or its server; the command 'hilum doctor' says what is wrong.")
        return page(request, "message.html", 503, heading=captions("The database cannot be read"), text=text)
    return page(request, "now.html", sections=sections)


@router.get("/events/now")
async def events(
    request: Request, visitor: Viewer, last_event_id: Annotated[str, Header()] = "", seen: int = 0
) -> Response:
    """The sections of the page as they change. The stream ends before the clock of the connection would cut it, and the
    browser asks again, which is also when it is found out whether its session still holds."""
    has_seen = int(last_event_id) if last_event_id.isdecimal() and len(last_event_id) < 20 else seen
    seconds = min(STREAM_S_MAX, STREAM_SHARE * context_of(request).settings().web.request_timeout_s)
    try:
        stream = live_of(request).stream(language_of(request), has_seen, seconds)
    except TooManyListeners:
        return PlainTextResponse("too many pages are live: try again\n", 503, {"Retry-After": "30"})
    return StreamingResponse(stream, media_type="text/event-stream")
