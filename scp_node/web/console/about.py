"""The page About: which version this is, under which licences, and what it may be used for."""

from __future__ import annotations

import platform
from importlib.metadata import version

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from scp_node.web.access.visitor import Viewer
from scp_node.web.pages.rendering import page

LIBRARIES = ("pynetdicom", "pydicom", "highdicom", "numpy", "sqlalchemy", "fastapi", "jinja2")

router = APIRouter()


@router.get("/about")
def about(request: Request, visitor: Viewer) -> HTMLResponse:
    """Version, licences, research use."""
    libraries = {name: version(name) for name in LIBRARIES}
    return page(request, "about.html", python=platform.python_version(), libraries=libraries)
