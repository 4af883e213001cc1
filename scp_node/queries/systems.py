"""The systems that are told of reports, or get results by DICOMweb: how each is reached, what it took last, and what
waits for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from scp_node.checks.remote_ae import RemoteAECall
from scp_node.ledger import Transaction
from scp_node.ledger import tables as t
from scp_node.queries.queues import QueueLine
from scp_node.queries.reach import ReachState, reach_of
from scp_node.settings import Settings, System


@dataclass(frozen=True)
class SystemSign:
    """sent_at: when it last took a message or a result. last_sign_at, failure: as Reach has them; nobody knows whether
    it calls. waiting: what is on its way."""

    name: str
    system: System
    routes: tuple[str, ...]
    state: ReachState
    last_sign_at: datetime | None
    sent_at: datetime | None
    failed_at: datetime | None
    failure: str
    waiting: int
    call: RemoteAECall | None

    @property
    def page(self) -> str:
        """Where it is looked at and called."""
        return "/remote-aes#systems"


def system_signs(
    tx: Transaction,
    settings: Settings,
    queues: Iterable[QueueLine],
    calls: Mapping[str, RemoteAECall],
    now: datetime,
) -> tuple[SystemSign, ...]:
    """All of the configuration, in its order."""
    unreached = tx.unreached.all() if settings.systems else {}
    waiting: dict[str, int] = {}
    for line in queues:
        if line.destination is not None:
            waiting[line.destination] = waiting.get(line.destination, 0) + line.waiting
    found = []
    for name, system in settings.systems.items():
        sent_at, call = _sent_at(tx, name), calls.get(name)
        reach = reach_of(unreached.get(name), call, sent_at, None, now)
        found.append(
            SystemSign(
                name=name,
                system=system,
                routes=tuple(route.name for route in settings.routes if name in (*route.to, *route.notify)),
                state=reach.state,
                last_sign_at=reach.last_sign_at,
                sent_at=sent_at,
                failed_at=reach.failed_at,
                failure=reach.failure,
                waiting=waiting.get(name, 0),
                call=call,
            )
        )
    return tuple(found)


def _sent_at(tx: Transaction, name: str) -> datetime | None:
    last = sa.select(sa.func.max(t.delivery.c.sent_at)).where(t.delivery.c.destination == name)
    return tx.connection.execute(last).scalar_one_or_none()
