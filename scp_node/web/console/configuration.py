"""The page Configuration: the file and what holds, and what another file would do before it is put in place."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Annotated, NamedTuple
from urllib.parse import quote

from fastapi import APIRouter, Form, Request, Response, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse

from scp_node.errors import UsageError
from scp_node.operations.configuration import is_former, obstacle_to_placing, put_in_place
from scp_node.queries.configuration import changed_file, effective_settings, merged, present_file
from scp_node.queries.route_replay import Fate, RouteReplay, replay_routes
from scp_node.settings import Settings
from scp_node.settings.file import settings_of
from scp_node.settings.reloading import last_reload
from scp_node.settings.strict_yaml import FILE_BYTES_MAX
from scp_node.web.access.visitor import Admin, Visitor, acting
from scp_node.web.console.drafts import Drafts
from scp_node.web.context import WebContext, context_of
from scp_node.web.pages.captions import Captions, language_of
from scp_node.web.pages.rendering import page

PATH = "/configuration"
DAYS = (1, 7, 30)
HEARD_S = 3.0
# A person waits for a page; a command tries more.
IMAGES_MAX, CHANGES_MAX, EXAMPLES_MAX = 2000, 50, 3

router = APIRouter()
drafts = Drafts()


class RouteChange(NamedTuple):
    """So many images would become `after` instead of `before`; `studies`: some of those that they are of."""

    before: str
    after: str
    images: int
    studies: list[str]


@router.get(PATH)
def configuration(request: Request, visitor: Admin, draft: str = "", former: str = "") -> HTMLResponse:
    """The present file, and what the draft would change in it; `former`: the name of the one that it has replaced."""
    return _page(request, visitor, draft, former=former)


@router.post(f"{PATH}/check")
def check(
    request: Request,
    visitor: Admin,
    text: Annotated[str, Form(max_length=2 * FILE_BYTES_MAX)] = "",
    draft: Annotated[str, Form()] = "",
    file: UploadFile | None = None,
) -> Response:
    """Keep what was pasted or uploaded as a draft, and show what it would do."""
    uploaded = b"" if file is None else file.file.read(FILE_BYTES_MAX + 1)
    posted = uploaded or text.replace("\r\n", "\n").encode(errors="replace")
    context, earlier = context_of(request), drafts.get(draft, visitor.name)
    if context.config is None or not posted:
        return RedirectResponse(PATH, 303)
    present = present_file(context.config, context.settings())
    known = [present.content] if earlier is None else [earlier.content, present.content]
    kept = drafts.add(visitor.name, posted, merged(posted, *known))
    return RedirectResponse(f"{PATH}?draft={kept.token}#check", 303)


@router.get(f"{PATH}/file")
def download(request: Request, visitor: Admin, draft: str) -> Response:
    """The draft as it was posted, for somebody who may write where the node may not."""
    kept, config = drafts.get(draft, visitor.name), context_of(request).config
    if kept is None or config is None:
        return RedirectResponse(PATH, 303)
    headers = {"Content-Disposition": 'attachment; filename="node.yaml"'}
    return Response(kept.posted, media_type="application/yaml", headers=headers)


@router.get(f"{PATH}/replay")
def replay(request: Request, visitor: Admin, draft: str, days: int = 7) -> HTMLResponse:
    """Try the images that came last on the changed routes."""
    context, kept = context_of(request), drafts.get(draft, visitor.name)
    if kept is None or context.config is None or days not in DAYS:
        return HTMLResponse("")
    changed = settings_of(context.config, kept.content).settings
    if changed is None:
        return HTMLResponse("")
    with context.ledger.reading() as tx:
        found = replay_routes(tx, datetime.now(UTC) - timedelta(days=days), context.settings(), changed, IMAGES_MAX)
    changes = _changes(found, Captions(language_of(request)))
    return page(request, "configuration-replay.html", replay=found, changes=changes)


@router.post(f"{PATH}/put")
def put(
    request: Request, visitor: Admin, draft: Annotated[str, Form()], seen: Annotated[str, Form(max_length=64)]
) -> Response:
    """Put the draft in the place of the file that was seen, and show what the node made of it."""
    context, kept = context_of(request), drafts.get(draft, visitor.name)
    if kept is None or context.config is None:
        return RedirectResponse(PATH, 303)
    operator = acting(request)
    before = context.settings()
    try:
        placed = put_in_place(context.config, kept.content, seen, before.node.data_dir, operator)
    except UsageError as refusal:
        return _page(request, visitor, draft, 409, str(refusal))
    drafts.drop(draft)
    if placed.reload is not None and placed.reload.changed:
        _wait_for_change(context, before)
    return RedirectResponse(f"{PATH}?former={quote(placed.former.name)}", 303)


def _page(
    request: Request, visitor: Visitor, token: str, status: int = 200, refusal: str = "", former: str = ""
) -> HTMLResponse:
    context = context_of(request)
    if context.config is None:
        captions = Captions(language_of(request))
        text = captions("This node was started without a configuration file that could be shown.")
        return page(request, "message.html", 404, heading=captions("Configuration"), text=text)
    in_use = context.settings()
    present, draft = present_file(context.config, in_use), drafts.get(token, visitor.name)
    return page(
        request,
        "configuration.html",
        status,
        present=present,
        sections=effective_settings(in_use, present),
        obstacle=obstacle_to_placing(context.config),
        reload=last_reload(context.statuses),
        draft=draft,
        is_forgotten=bool(token) and draft is None,
        changed=None if draft is None else changed_file(present, draft.content, in_use),
        refusal=refusal,
        former=former if is_former(context.config, former) else "",
        days=DAYS,
    )


def _wait_for_change(context: WebContext, before: Settings) -> None:
    """Until this role has heard too what the supervisor has taken, so that the page shows it."""
    deadline = time.monotonic() + HEARD_S
    while context.settings() is before and time.monotonic() < deadline:
        time.sleep(0.05)


def _changes(found: RouteReplay, captions: Captions) -> list[RouteChange]:
    """What would change, the most images first."""
    images: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], list[str]] = {}
    for study in found.changed_studies:
        for move in study.moves:
            words = _said(move.before, captions), _said(move.after, captions)
            images[words] += move.images
            some = examples.setdefault(words, [])
            if study.study_instance_uid not in some and len(some) < EXAMPLES_MAX:
                some.append(study.study_instance_uid)
    return [RouteChange(*words, count, examples[words]) for words, count in images.most_common(CHANGES_MAX)]


def _said(fate: Fate, captions: Captions) -> str:
    """What becomes of an image, in words."""
    if fate.state == "turned-away":
        return captions("turned away: no remote AE of this title may send")
    to = ", ".join(fate.to)
    if fate.state == "taken":
        said = captions("route {name}: {model}, results to {to}", name=fate.route, model=fate.model, to=to)
    elif fate.route is None:
        return captions("declined as {code}", code=fate.code)
    else:
        said = captions("declined as {code} by route {name}, told to {to}", code=fate.code, name=fate.route, to=to)
    return said if fate.priority == "routine" else f"{said}, {captions('priority {name}', name=fate.priority)}"
