"""Language and theme: kept in cookies of the browser, so that they hold before the sign-in too."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse

from scp_node.web.pages import captions
from scp_node.web.pages.rendering import THEME_COOKIE, THEMES

YEAR_S = 365 * 86_400

router = APIRouter()


@router.post("/preferences")
def preferences(
    request: Request,
    language: Annotated[str, Form()] = "",
    theme: Annotated[str, Form()] = "",
    back: Annotated[str, Form()] = "/",
) -> RedirectResponse:
    """Remember what was chosen, and go back to the page."""
    answer = RedirectResponse(local_path(back), 303)
    is_secure = request.url.scheme == "https"
    for name, value, known in ((captions.COOKIE, language, captions.NAMES), (THEME_COOKIE, theme, THEMES)):
        if value in known:
            answer.set_cookie(name, value, YEAR_S, httponly=True, samesite="strict", secure=is_secure)
    return answer


def local_path(wanted: str) -> str:
    """A path of this node; `/` for what would lead elsewhere."""
    is_local = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if is_local else "/"
