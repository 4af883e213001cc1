"""The page of one's own account: another password, and tokens for one's programs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from scp_node.errors import NothingFound, UsageError
from scp_node.ledger.account_records import SCOPES, Scope
from scp_node.ledger.records import now_utc
from scp_node.operations import signing_in as operations
from scp_node.operations.accounts import OneTimeSecret, issue_token, revoke_token
from scp_node.operations.passwords import CHARACTERS_MIN, PasswordsBusy, password_fault
from scp_node.web.access.addresses import address_of
from scp_node.web.access.cookies import give_session
from scp_node.web.access.visitor import Acting, Person, visitor_of
from scp_node.web.console.signing_in import Text, busy, fault_in_words, too_often
from scp_node.web.context import context_of
from scp_node.web.pages.captions import Captions, language_of
from scp_node.web.pages.rendering import page

DAYS_DEFAULT, DAYS_MAX = 90, 365

router = APIRouter()


@dataclass(frozen=True)
class _Notice:
    """What came of the last form."""

    text: str
    kind: str = "bad"


@router.get("/account")
def account(request: Request, visitor: Person) -> HTMLResponse:
    """Name, role, and what belongs to them."""
    return _page(request)


@router.post("/account/password")
def change_password(
    request: Request, visitor: Person, who: Acting, old: Text = "", password: Text = "", again: Text = ""
) -> Response:
    """Another password, for whoever knows the present one; all other sessions end."""
    context, _ = context_of(request), Captions(language_of(request))
    fault = fault_in_words(_, password_fault(password, visitor.name))
    if not fault and password != again:
        fault = _("The two passwords differ.")
    if fault:
        return _page(request, _Notice(fault), 422)
    address = address_of(request)
    wait_s = context.throttle.begin(visitor.name, address)
    if wait_s > 0:
        return too_often(request, wait_s)
    try:
        made = operations.change_password(context.ledger, old, password, context.settings().web.session_max_s, who)
    except PasswordsBusy:
        context.throttle.take_back(visitor.name, address)
        return busy(request)
    if made is None:
        return _page(request, _Notice(_("The present password is wrong.")), 403)
    context.throttle.succeeded(visitor.name, address)
    answer = RedirectResponse("/account", 303)
    give_session(request, answer, made.secret)
    return answer


@router.post("/account/tokens")
def make_token(
    request: Request,
    visitor: Person,
    who: Acting,
    name: Text = "",
    scope: Annotated[list[Scope] | None, Form()] = None,
    days: Annotated[int, Form(ge=1, le=DAYS_MAX)] = DAYS_DEFAULT,
) -> Response:
    """A token, which is shown this once."""
    _ = Captions(language_of(request))
    if not name.strip() or not scope:
        return _page(request, _Notice(_("A token needs a name, and something that it may do.")), 422)
    try:
        made = issue_token(context_of(request).ledger, visitor.name, name.strip(), scope, days, who)
    except UsageError as error:
        return _page(request, _Notice(str(error)), 422)
    return _page(request, made=made)


@router.post("/account/tokens/{token_id}/revoke")
def end_token(request: Request, visitor: Person, who: Acting, token_id: str) -> Response:
    """The token does not work any more."""
    with suppress(NothingFound):  # it was revoked on another page meanwhile
        revoke_token(context_of(request).ledger, visitor.name, token_id[:36], who)
    return RedirectResponse("/account", 303)


def _page(
    request: Request, notice: _Notice | None = None, status: int = 200, made: OneTimeSecret | None = None
) -> HTMLResponse:
    visitor, now = visitor_of(request), now_utc()
    assert visitor is not None
    with context_of(request).ledger.reading() as tx:
        user, tokens = tx.accounts.get(visitor.name), tx.sessions.tokens_of(visitor.name)
    known = {"has_password": user is not None and user.password_hash is not None, "notice": notice, "made": made}
    working = [one for one in tokens if one.is_valid(now)]
    return page(
        request,
        "account.html",
        status,
        **known,
        tokens=working,
        scopes=SCOPES,
        days=DAYS_DEFAULT,
        days_max=DAYS_MAX,
        least=CHARACTERS_MIN,
    )
