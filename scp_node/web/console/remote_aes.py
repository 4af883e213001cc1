"""The pages Remote AEs: who is configured and answers, what each takes, who called and was turned away, and why."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from scp_node.deliver.capabilities import PROBED_CLASSES
from scp_node.errors import UsageError
from scp_node.ledger.records import now_utc
from scp_node.queries.caller_story import caller_story
from scp_node.queries.queues import queue_lines
from scp_node.queries.remote_aes import callers_of, capabilities, remote_signs
from scp_node.queries.systems import system_signs
from scp_node.web.access.visitor import Operator, Viewer, acting
from scp_node.web.console.now import live_of
from scp_node.web.context import context_of
from scp_node.web.pages.captions import Captions, language_of
from scp_node.web.pages.rendering import page

CALLERS_SHOWN = 200
Key = Annotated[str, Path(max_length=64)]

router = APIRouter()


@router.get("/remote-aes")
def remote_aes(request: Request, visitor: Viewer) -> HTMLResponse:
    """Those of the configuration, what each takes, and who called without being configured."""
    settings, calls = context_of(request).settings(), live_of(request).calls.last()
    with context_of(request).ledger.reading() as tx:
        signs = remote_signs(tx, settings, queue_lines(tx), calls, now_utc())
        known = capabilities(tx, settings, calls)
        callers = callers_of(tx, settings, CALLERS_SHOWN)
        systems = system_signs(tx, settings, queue_lines(tx), calls, now_utc())
    return page(
        request,
        "remote_aes.html",
        signs=signs,
        systems=systems,
        capabilities=known,
        class_names=list(PROBED_CLASSES.values()),
        by_title={one.ae_title: one for one in callers},
        strangers=[one for one in callers if not one.is_configured],
        certificates={sign.name: sign.call.report.found.certificate for sign in signs if sign.call is not None},
    )


@router.get("/remote-aes/{key:path}")
def remote_ae(request: Request, visitor: Viewer, key: Key) -> HTMLResponse:
    """One remote AE by its name in the configuration, or whoever called by an AE title."""
    settings, calls = context_of(request).settings(), live_of(request).calls.last()
    with context_of(request).ledger.reading() as tx:
        story = caller_story(tx, settings, key)
        signs = remote_signs(tx, settings, queue_lines(tx), calls, now_utc())
        known = capabilities(tx, settings, calls)
    if not story.is_known:
        captions = Captions(language_of(request))
        text = captions("Nobody of this name is configured, and nobody ever called by this AE title.")
        return page(request, "message.html", 404, heading=captions("Not found"), text=text)
    sign = next((one for one in signs if one.name == key), None)
    is_sender = sign is None or sign.remote.may_send
    return page(
        request,
        "remote_ae.html",
        key=key,
        story=story,
        sign=sign,
        capabilities=known.get(key, ()),
        advice=story.advice if is_sender else (),
    )


@router.post("/remote-aes/{key}/echo", response_model=None)
def echo(request: Request, visitor: Operator, key: Key) -> HTMLResponse | RedirectResponse:
    """Call it now (C-ECHO, or as its kind has it), and show what it answered."""
    try:
        live_of(request).calls.call(context_of(request).settings(), key, acting(request))
    except UsageError as error:
        heading = Captions(language_of(request))("It was left alone.")
        return page(request, "message.html", 409, heading=heading, text=str(error))
    live_of(request).forget()
    if key in context_of(request).settings().systems:
        return RedirectResponse("/remote-aes#systems", 303)
    return RedirectResponse(f"/remote-aes/{quote(key, safe='')}#call", 303)
