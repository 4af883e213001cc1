"""The cookie of a session, and what stands in the forms of its pages."""

from __future__ import annotations

import hmac

from fastapi import Request
from fastapi.responses import Response

NAME = "hilum_session"
# A name that browsers take over https only, without a domain and for all paths (RFC 6265bis 4.1.3).
HOST_NAME = f"__Host-{NAME}"


def is_secure(request: Request) -> bool:
    """Whether the browser speaks https, with this node or with its proxy."""
    return request.url.scheme == "https"


def session_secret(request: Request) -> str:
    return request.cookies.get(HOST_NAME if is_secure(request) else NAME, "")


def give_session(request: Request, answer: Response, secret: str) -> None:
    """It ends with the browser, or sooner: the ledger knows until when it holds."""
    secure = is_secure(request)
    answer.set_cookie(HOST_NAME if secure else NAME, secret, httponly=True, samesite="strict", secure=secure)


def take_session(request: Request, answer: Response) -> None:
    secure = is_secure(request)
    answer.delete_cookie(HOST_NAME if secure else NAME, httponly=True, samesite="strict", secure=secure)


def csrf_of(secret: str) -> str:
    """What a form of this session holds. Whoever reads it in a page cannot tell the secret of the cookie from it."""
    return hmac.digest(secret.encode(), b"csrf", "sha256").hex()
