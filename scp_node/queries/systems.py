"""The systems that are told of reports: how each is reached, what it took last, and what waits for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from scp_node.checks.remote_ae import RemoteAECall
from scp_node.ledger import Transaction
from scp_node.ledger import tables as t
from scp_node.queries.queues import QueueLine
from scp_node.settings import Settings, System


@dataclass(frozen=True)
class SystemSign:
    """sent_at: when it last took a message. failed_at, failure: when and why it was not reached since, by a delivery or
    a call. waiting: messages on their way."""

    name: str
    system: System
    routes: tuple[str, ...]
    sent_at: datetime | None
    failed_at: datetime | None
    failure: str
    waiting: int
    call: RemoteAECall | None


def system_signs(
    tx: Transaction, settings: Settings, queues: Iterable[QueueLine], calls: Mapping[str, RemoteAECall]
) -> tuple[SystemSign, ...]:
    """All of the configuration, in its order."""
    unreached = tx.unreached.all()
    waiting: dict[str, int] = {}
    for line in queues:
        if line.destination is not None:
            waiting[line.destination] = waiting.get(line.destination, 0) + line.waiting
    found = []
    for name, system in settings.systems.items():
        failure = unreached.get(name)
        found.append(
            SystemSign(
                name,
                system,
                tuple(route.name for route in settings.routes if name in route.notify),
                _sent_at(tx, name),
                None if failure is None else failure[0],
                "" if failure is None else failure[1],
                waiting.get(name, 0),
                calls.get(name),
            )
        )
    return tuple(found)


def _sent_at(tx: Transaction, name: str) -> datetime | None:
    last = sa.select(sa.func.max(t.delivery.c.sent_at)).where(t.delivery.c.destination == name)
    return tx.connection.execute(last).scalar_one_or_none()
