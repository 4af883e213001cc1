"""The pages on which people come in: sign-in, the set-up of the first start, and the choice of a password by a link."""

from __future__ import annotations

import math
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from scp_node.errors import UsageError
from scp_node.ledger.account_records import LinkPurpose
from scp_node.operations import signing_in as operations
from scp_node.operations.accounts import user_name
from scp_node.operations.passwords import CHARACTERS_MIN, PasswordFault, PasswordsBusy, password_fault
from scp_node.operations.signing_in import LinkUnusable, SignedIn, valid_link
from scp_node.web.access.addresses import address_of
from scp_node.web.access.cookies import give_session, take_session
from scp_node.web.access.visitor import Acting, Person, visitor_of
from scp_node.web.context import context_of
from scp_node.web.pages.captions import Captions, language_of
from scp_node.web.pages.preferences import local_path
from scp_node.web.pages.rendering import page

FAULTS: dict[PasswordFault, str] = {
    "short": "A password has at least {least} characters. A sentence is easy to remember.",
    "long": "This password is too long.",
    "name": "The password must not be the name.",
}
Text = Annotated[str, Form()]

router = APIRouter()


@router.get("/sign-in")
def ask_to_sign_in(request: Request, back: str = "/") -> Response:
    """The form, or the way back for whoever has signed in."""
    if visitor_of(request) is not None:
        return RedirectResponse(local_path(back), 303)
    return _sign_in_page(request, back)


@router.post("/sign-in")
def sign_in(request: Request, name: Text = "", password: Text = "", back: Text = "/") -> Response:
    """Wrong, unknown and disabled are one answer, after the same time."""
    context, _ = context_of(request), Captions(language_of(request))
    address = address_of(request)
    wait_s = context.throttle.begin(name, address)
    if wait_s > 0:
        return too_often(request, wait_s)
    try:
        found = operations.sign_in(context.ledger, name, password, address, context.settings().web.session_max_s)
    except PasswordsBusy:
        context.throttle.take_back(name, address)
        return busy(request)
    if found is None:
        return _sign_in_page(request, back, name, _("Name or password is wrong."), 403)
    context.throttle.succeeded(name, address)
    return _come_in(request, found, back)


@router.post("/sign-out")
def sign_out(request: Request, visitor: Person, who: Acting) -> Response:
    """The session ends here, and not only in the browser."""
    operations.sign_out(context_of(request).ledger, visitor.session, who)
    answer = RedirectResponse("/sign-in", 303)
    take_session(request, answer)
    return answer


@router.get("/set-up/{secret}")
def ask_for_the_first_user(request: Request, secret: str) -> Response:
    """The form that makes the first administrator, as long as the link works."""
    return _link_page(request, secret, "set-up")


@router.post("/set-up/{secret}")
def set_up(request: Request, secret: str, name: Text = "", password: Text = "", again: Text = "") -> Response:
    """Make the first administrator, who has signed in then."""
    context, _ = context_of(request), Captions(language_of(request))
    try:
        fault = _fault(_, password, again, user_name(name))
    except UsageError:
        fault = _("A name has letters a to z, digits and . _ @ + -, and begins with a letter or digit.")
    if fault:
        return _link_page(request, secret, "set-up", fault, name)
    session_max_s = context.settings().web.session_max_s
    try:
        made = operations.set_up(context.ledger, secret, name, password, address_of(request), session_max_s)
    except LinkUnusable:
        return _unusable(request)
    except PasswordsBusy:
        return busy(request)
    return _come_in(request, made, "/")


@router.get("/password/{secret}")
def ask_for_a_password(request: Request, secret: str) -> Response:
    """The form that sets the password of the user of this link."""
    return _link_page(request, secret, "password")


@router.post("/password/{secret}")
def choose_password(request: Request, secret: str, password: Text = "", again: Text = "") -> Response:
    """Set the password; the user has signed in then, and nowhere else."""
    context, _ = context_of(request), Captions(language_of(request))
    try:
        with context.ledger.reading() as tx:
            name = valid_link(tx, secret, "password").user_name or ""
        if fault := _fault(_, password, again, name):
            return _link_page(request, secret, "password", fault)
        session_max_s = context.settings().web.session_max_s
        made = operations.choose_password(context.ledger, secret, password, address_of(request), session_max_s)
    except LinkUnusable:
        return _unusable(request)
    except PasswordsBusy:
        return busy(request)
    return _come_in(request, made, "/")


def too_often(request: Request, wait_s: float) -> HTMLResponse:
    """After too many wrong passwords."""
    _ = Captions(language_of(request))
    text = _("Too many tries. Try again in {seconds} s.", seconds=math.ceil(wait_s))
    answer = page(request, "message.html", 429, heading=_("Sign in"), text=text)
    answer.headers["Retry-After"] = str(math.ceil(wait_s))
    return answer


def busy(request: Request) -> HTMLResponse:
    """While many others sign in."""
    _ = Captions(language_of(request))
    text = _("Many people sign in at this moment. Try again in a few seconds.")
    answer = page(request, "message.html", 503, heading=_("Sign in"), text=text)
    answer.headers["Retry-After"] = "5"
    return answer


def fault_in_words(_: Captions, fault: PasswordFault | None) -> str:
    return "" if fault is None else _(FAULTS[fault], least=CHARACTERS_MIN)


def _fault(_: Captions, password: str, again: str, name: str) -> str:
    if fault := password_fault(password, name):
        return fault_in_words(_, fault)
    return "" if password == again else _("The two passwords differ.")


def _come_in(request: Request, found: SignedIn, back: str) -> Response:
    """A new session; the one that this browser had before ends."""
    before = visitor_of(request)
    if before is not None and before.session:
        context = context_of(request)
        operations.end_session(context.ledger, before.session)
    answer = RedirectResponse(local_path(back), 303)
    give_session(request, answer, found.secret)
    return answer


def _sign_in_page(request: Request, back: str, name: str = "", fault: str = "", status: int = 200) -> HTMLResponse:
    context = context_of(request)
    with context.ledger.reading() as tx:
        is_new = tx.accounts.is_empty()
    issuer = context.settings().web.oidc.issuer
    known = {"fault": fault, "is_new": is_new, "provider": None if issuer is None else urlsplit(issuer).hostname}
    return page(request, "sign_in.html", status, back=local_path(back), name=name[:64], **known)


def _link_page(request: Request, secret: str, purpose: LinkPurpose, fault: str = "", name: str = "") -> HTMLResponse:
    try:
        with context_of(request).ledger.reading() as tx:
            link = valid_link(tx, secret, purpose)
    except LinkUnusable:
        return _unusable(request)
    known = {"fault": fault, "name": link.user_name or name[:64], "is_set_up": purpose == "set-up"}
    return page(request, "choose_password.html", 422 if fault else 200, least=CHARACTERS_MIN, **known)


def _unusable(request: Request) -> HTMLResponse:
    _ = Captions(language_of(request))
    text = _("This link was used before, or is too old. An administrator makes another one: hilum user link NAME.")
    return page(request, "message.html", 404, heading=_("This link does not work"), text=text, may_sign_in=True)
