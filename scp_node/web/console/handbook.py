"""The handbook: the pages that came with this installation, to be read where there is no internet."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from scp_node.settings.places import handbook_dir
from scp_node.web.access.visitor import Viewer
from scp_node.web.pages.captions import Captions, language_of
from scp_node.web.pages.markdown import RenderedPage, render
from scp_node.web.pages.rendering import page

FIRST, PREFIX = "README", "/handbook/"
FIGURES = {".png": "image/png", ".svg": "image/svg+xml"}

router = APIRouter()


@router.get("/handbook")
def first(request: Request, visitor: Viewer) -> HTMLResponse:
    """What there is to read."""
    return handbook(request, visitor, FIRST)


@router.get("/handbook/{name}")
def handbook(request: Request, visitor: Viewer, name: str) -> HTMLResponse:
    """One page."""
    pages = pages_in(handbook_dir())
    if name not in pages:
        captions = Captions(language_of(request))
        return page(
            request,
            "message.html",
            404,
            heading=captions("Not found"),
            text=captions("The handbook has no such page."),
        )
    return page(request, "handbook.html", name=name, shown=pages[name], pages=pages, first=FIRST)


@router.get("/handbook/figures/{name}")
def figure(request: Request, visitor: Viewer, name: str) -> Response:
    """One figure of a page. It is a picture there, so a browser runs nothing of it; what it may load is nothing."""
    kind, folder = FIGURES.get(Path(name).suffix), handbook_dir() / "figures"
    if kind is None or name not in {path.name for path in folder.glob("*")}:
        return Response(status_code=404)
    policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
    return Response((folder / name).read_bytes(), media_type=kind, headers=policy)


@lru_cache(maxsize=1)
def pages_in(folder: Path) -> dict[str, RenderedPage]:
    """All pages by name, the first one first; they do not change while a release runs."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.md"))}
    names = sorted(texts, key=lambda name: name != FIRST)
    known = {*texts, *(path.name for path in (folder / "figures").glob("*"))}
    return {name: render(texts[name], known, PREFIX) for name in names}
