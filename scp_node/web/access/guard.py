"""What every route asks before it answers: somebody is signed in, and a page of this node has sent the form.

It is a dependency of the whole application, so that no new route can forget it.
"""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from fastapi import Request

from scp_node.web.access.visitor import SAFE_METHODS, NotAllowed, SignInNeeded, visitor_of
from scp_node.web.health import HEALTH_PATHS

# What answers those who have not signed in.
PUBLIC = HEALTH_PATHS | {"/preferences", "/sign-in", "/sign-in/provider", "/sign-in/provider/return"}
LINKS = ("/set-up/", "/password/")
# A film that a form sends is read as it comes, and only when the word of the session has stood before it.
READS_ITS_FORM = frozenset({"/try"})
FORM = "application/x-www-form-urlencoded"
HEADER, FIELD = "x-csrf-token", "csrf_token"


class ForgedForm(Exception):
    """The request does not come from a page of this visitor's session: 403."""


async def guard(request: Request) -> None:
    """Raises SignInNeeded, NotAllowed and ForgedForm."""
    visitor, path = visitor_of(request), request.url.path
    if visitor is None and not is_public(path):
        raise SignInNeeded
    if visitor is not None and visitor.is_program:
        # what is open to everybody changes the browser of a person, or makes somebody a person
        if is_public(path):
            raise NotAllowed
        return
    if request.method in SAFE_METHODS:
        return
    if not is_from_here(request):
        raise ForgedForm
    if path in READS_ITS_FORM and HEADER not in request.headers:
        return
    if visitor is not None and not hmac.compare_digest((await _token(request)).encode(), visitor.csrf.encode()):
        raise ForgedForm


def is_public(path: str) -> bool:
    return path in PUBLIC or path.startswith(LINKS)


def is_from_here(request: Request) -> bool:
    """Whether the browser says that a page of this node asks (Fetch Metadata, RFC 6454 7). A program says nothing."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    try:
        return origin is None or urlsplit(origin).netloc == request.headers.get("host")
    except ValueError:
        return False


async def _token(request: Request) -> str:
    """That of the header, else that of the form. A route that reads a body itself, as it comes, takes the header."""
    said = request.headers.get(HEADER)
    if said is not None:
        return said
    is_read = getattr(request, "_form", None) is not None
    if is_read or request.headers.get("content-type", "").startswith(FORM):
        field = (await request.form()).get(FIELD)
        return field if isinstance(field, str) else ""
    return ""
