"""The page Audit: who did what, and who has seen which study; for administrators."""

from __future__ import annotations

from typing import Annotated, get_args
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from scp_node.operations.acts import ActKind
from scp_node.queries.audit import audit_page
from scp_node.web.access.visitor import Admin
from scp_node.web.context import context_of
from scp_node.web.pages.rendering import page

router = APIRouter()


@router.get("/audit")
def audit(
    request: Request,
    visitor: Admin,
    before: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    who: Annotated[str, Query(max_length=100)] = "",
    act: Annotated[str, Query(max_length=32)] = "",
) -> HTMLResponse:
    """The newest events first."""
    with context_of(request).ledger.reading() as tx:
        found = audit_page(tx, before, who.strip().lower(), act)
    chosen = {key: value for key, value in (("who", who), ("act", act)) if value}
    older = None if found.older is None else "/audit?" + urlencode({**chosen, "before": found.older})
    return page(request, "audit.html", rows=found.rows, older=older, who=who, act=act, acts=sorted(get_args(ActKind)))
