"""The way to an identity provider and back."""

from __future__ import annotations

import logging
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from scp_node.errors import UsageError
from scp_node.operations.signing_in import refuse_role, sign_in_vouched_for
from scp_node.web.access.addresses import address_of
from scp_node.web.access.cookies import give_session, is_secure
from scp_node.web.access.provider import Begun, Provider, ProviderFailed
from scp_node.web.context import context_of
from scp_node.web.pages.captions import Captions, language_of
from scp_node.web.pages.preferences import local_path
from scp_node.web.pages.rendering import page
from scp_node.web.throttle import Throttle

log = logging.getLogger(__name__)
RETURN = "/sign-in/provider/return"
KEPT_S = 600
URL_CHARACTERS = "%/?:@!$&'()*+,=~-._"  # those of a path and a query (RFC 3986 3.3 and 3.4), but for `;`
# What a provider says of itself (RFC 6749 4.1.2.1, OpenID Connect Core 3.1.2.6); anybody can send anything else.
ERRORS = frozenset(
    {
        "invalid_request",
        "unauthorized_client",
        "access_denied",
        "unsupported_response_type",
        "invalid_scope",
        "server_error",
        "temporarily_unavailable",
        "interaction_required",
        "login_required",
        "account_selection_required",
        "consent_required",
    }
)
# A few lines of the log for each address: everybody may come to the place of return.
_lines = Throttle()

router = APIRouter()


@router.get("/sign-in/provider")
def go_there(request: Request, back: str = "/") -> Response:
    """Send the browser to the provider."""
    try:
        url, begun = _provider(request).begin(local_path(back))
    except ProviderFailed as error:
        return _failed(request, error)
    answer = RedirectResponse(url, 303)
    # It has to come along when the provider sends the browser back, which a stricter cookie would not.
    answer.set_cookie(
        _cookie(request), begun.as_cookie(), KEPT_S, httponly=True, samesite="lax", secure=is_secure(request)
    )
    return answer


@router.get(RETURN)
def come_back(request: Request, state: str = "", code: str = "", error: str = "") -> Response:
    """Open a session for whom the provider vouches for."""
    context, _ = context_of(request), Captions(language_of(request))
    begun = Begun.of_cookie(request.cookies.get(_cookie(request), ""))
    if begun is None or not code:
        said = error if error in ERRORS else "there is no code"
        return _failed(request, ProviderFailed("there is no sign-in that this belongs to" if begun is None else said))
    try:
        found = _provider(request).finish(begun, state, code)
    except ProviderFailed as failure:
        return _failed(request, failure)
    if found.role is None:
        refuse_role(context.ledger, found.identity, address_of(request))
        text = _("Your provider knows you, but nothing that it says leads to a role here.")
        return page(request, "message.html", 403, heading=_("Not allowed"), text=text)
    session_max_s = context.settings().web.session_max_s
    try:
        signed_in = sign_in_vouched_for(
            context.ledger, found.identity, found.name, found.role, address_of(request), session_max_s
        )
    except UsageError as refused:
        return page(request, "message.html", 403, heading=_("Not allowed"), text=str(refused))
    # A page of this node leads on: a redirect would still be the provider's, and carry no cookie of this kind.
    answer = page(request, "message.html", heading=_("Sign in"), text=_("You have signed in."))
    answer.headers["Refresh"] = f"0; url={quote(local_path(begun.back), safe=URL_CHARACTERS)}"
    answer.delete_cookie(_cookie(request), httponly=True, samesite="lax", secure=is_secure(request))
    give_session(request, answer, signed_in.secret)
    return answer


def _provider(request: Request) -> Provider:
    oidc = context_of(request).settings().web.oidc
    if oidc.issuer is None:
        raise ProviderFailed("there is no provider: see web.oidc")
    return Provider(oidc, f"{request.url.scheme}://{request.url.netloc}{RETURN}")


def _cookie(request: Request) -> str:
    return "__Host-hilum_provider" if is_secure(request) else "hilum_provider"


def _failed(request: Request, error: ProviderFailed) -> HTMLResponse:
    address = address_of(request)
    if _lines.begin(address, address) == 0.0:
        log.warning("sign-in with the provider failed", extra={"reason": str(error)[:200]})
    _ = Captions(language_of(request))
    text = _("The sign-in with your provider did not succeed. Try again; the log of the node says why.")
    return page(request, "message.html", 502, heading=_("Sign in"), text=text)
