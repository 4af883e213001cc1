"""`GET /api/remote-aes`: the other DICOM applications of the configuration, and when each was last heard of."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Request
from pydantic import BaseModel

from scp_node.ledger.callers import ROWS_MAX
from scp_node.ledger.records import now_utc
from scp_node.queries.reach import ReachState
from scp_node.queries.remote_aes import CallingTitle, RemoteSign, callers_of, remote_signs
from scp_node.web.access.visitor import Viewer
from scp_node.web.api.answers import problems
from scp_node.web.context import context_of

router = APIRouter(tags=["remote AEs"])


class RemoteAEAnswer(BaseModel):
    """`receives`: routes send results to it. `last_seen_at`: when it last called; `rejections`: how often it was turned
    away. `state`: fails while the last attempt to reach it has failed, whatever became of the job, and `failure` says
    why; answers where it was heard of within a day; else quiet."""

    name: str
    ae_title: str
    host: str
    port: int
    may_send: bool
    receives: bool
    last_seen_at: datetime | None
    last_stored_at: datetime | None
    stored: int
    refused: int
    rejections: int
    state: ReachState
    failed_at: datetime | None
    failure: str


class RemoteAEsAnswer(BaseModel):
    items: list[RemoteAEAnswer]


@router.get("/remote-aes", responses=problems())
def remote_aes(request: Request, visitor: Viewer) -> RemoteAEsAnswer:
    """All of them, as the configuration orders them."""
    context = context_of(request)
    settings = context.settings()
    with context.ledger.reading() as tx:
        callers = {one.ae_title: one for one in callers_of(tx, settings, ROWS_MAX)}
        signs = remote_signs(tx, settings, (), request.app.state.live.calls.last(), now_utc())
    return RemoteAEsAnswer(items=[_answer(sign, callers.get(sign.remote.ae_title)) for sign in signs])


def _answer(sign: RemoteSign, caller: CallingTitle | None) -> RemoteAEAnswer:
    remote = sign.remote
    return RemoteAEAnswer(
        name=sign.name,
        ae_title=remote.ae_title,
        host=remote.host,
        port=remote.port,
        may_send=remote.may_send,
        receives=bool(sign.routes),
        last_seen_at=caller.last_seen_at if caller else None,
        last_stored_at=caller.last_stored_at if caller else None,
        stored=caller.stored if caller else 0,
        refused=caller.refused if caller else 0,
        rejections=caller.rejections if caller else 0,
        state=sign.state,
        failed_at=sign.failed_at,
        failure=sign.failure,
    )
