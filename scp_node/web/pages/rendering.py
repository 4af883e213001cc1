"""Makes pages from templates. Everything that comes from outside is escaped, because every template is HTML."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from converter.words.catalogue import Language
from scp_node.web.access.visitor import visitor_of
from scp_node.web.pages.captions import NAMES, Captions, language_of
from scp_node.web.pages.charts import CHARTS
from scp_node.web.pages.formats import FILTERS
from scp_node.web.pages.navigation import PLACES

TEMPLATES = Path(__file__).parents[1] / "templates"
THEMES = ("dark", "light")
THEME_COOKIE = "hilum_theme"
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_ENVIRONMENT.filters.update(FILTERS | CHARTS)


def page(request: Request, template: str, status: int = 200, /, **values: Any) -> HTMLResponse:
    """A whole page, or the part of one that htmx asks for: what is in `template`, with `values` and what all pages
    know."""
    return HTMLResponse(rendered(request, template, **values), status)


def part(language: Language, template: str, /, **values: Any) -> str:
    """What is the same for everybody who reads this language: no form, and nothing of a visitor."""
    return _ENVIRONMENT.get_template(template).render({"_": Captions(language), "language": language, **values})


def rendered(request: Request, template: str, /, **values: Any) -> str:
    """The text of a page or of a part of one."""
    visitor = visitor_of(request)
    captions = Captions(language_of(request))
    theme = request.cookies.get(THEME_COOKIE)
    known = {
        "_": captions,
        "language": captions.language,
        "languages": NAMES,
        "theme": theme if theme in THEMES else "",
        "visitor": visitor,
        "csrf": "" if visitor is None else visitor.csrf,
        "here": request.url.path,
        "places": [] if visitor is None else [place for place in PLACES if visitor.may(place.role)],
        "version": version("hilum"),
    }
    return _ENVIRONMENT.get_template(template).render({**known, **values})
