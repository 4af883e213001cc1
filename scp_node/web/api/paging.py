"""Long lists come in pages: each names the address of the next one, which begins behind its last item."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query, Request

from scp_node.web.api.answers import in_years
from scp_node.web.api.refusals import ApiRefused

PAGE_MAX = 200
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX, description="Most items of a page.")]
After = Annotated[
    str | None, Query(max_length=400, description="Where the page begins: taken from `next` of the page before.")
]


def next_page(request: Request, *last: str) -> str:
    """The address of the page behind the item that `last` names."""
    cursor = base64.urlsafe_b64encode(json.dumps(last).encode()).decode().rstrip("=")
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "after"]
    return f"{request.url.path}?{urlencode([*kept, ('after', cursor)])}"


def place_of(cursor: str, parts: int) -> list[str]:
    """What `next_page` was given. Raises ApiRefused."""
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        found = None
    if not isinstance(found, list) or len(found) != parts or not all(isinstance(one, str) for one in found):
        raise _no_cursor()
    if any(not one.isprintable() for one in found):
        raise _no_cursor()
    return found


def moment_of(text: str) -> datetime:
    """A moment of a cursor. Raises ApiRefused."""
    try:
        found = in_years(datetime.fromisoformat(text))
    except ValueError:
        raise _no_cursor() from None
    if found.tzinfo is None:
        raise _no_cursor()
    return found


def _no_cursor() -> ApiRefused:
    return ApiRefused(422, "invalid-cursor", "`after` is none that this node has given; begin without it")
