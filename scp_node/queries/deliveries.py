"""Which result went to which archive, and how far it has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from scp_node.ledger import Transaction
from scp_node.ledger import tables as t
from scp_node.ledger.records import DeliveryState


@dataclass(frozen=True)
class DeliveryRecord:
    """One result on its way to one destination. `kind` is that of the result, `status` that of the last C-STORE-RSP."""

    result_uid: str
    kind: str
    study_instance_uid: str
    destination: str
    state: DeliveryState
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None
    sent_at: datetime | None
    status: int | None
    detail: str


@dataclass(frozen=True)
class DeliveryFilter:
    """What is left empty does not matter. `after`: those behind the delivery of this result to this destination."""

    states: Sequence[DeliveryState] = ()
    destination: str | None = None
    study_instance_uid: str | None = None
    created_from: datetime | None = None
    after: tuple[str, str] | None = None
    result_uids: Sequence[str] = ()


_ALL = (
    sa.select(
        t.delivery.c.result_uid,
        t.result.c.kind,
        t.report.c.study_instance_uid,
        *(t.delivery.c[name] for name in ("destination", "state", "attempts", "created_at")),
        *(t.delivery.c[name] for name in ("next_attempt_at", "sent_at", "status", "detail")),
    )
    .join(t.result, t.result.c.sop_instance_uid == t.delivery.c.result_uid)
    .join(t.report, t.report.c.id == t.result.c.report_id)
)


def list_deliveries(tx: Transaction, wanted: DeliveryFilter, limit: int | None) -> tuple[DeliveryRecord, ...]:
    """The newest deliveries, newest first; without a limit all of them."""
    statement = _ALL.order_by(t.delivery.c.id.desc()).limit(limit)
    if wanted.states:
        statement = statement.where(t.delivery.c.state.in_(wanted.states))
    if wanted.destination is not None:
        statement = statement.where(t.delivery.c.destination == wanted.destination)
    if wanted.study_instance_uid is not None:
        statement = statement.where(t.report.c.study_instance_uid == wanted.study_instance_uid)
    if wanted.result_uids:
        statement = statement.where(t.delivery.c.result_uid.in_(wanted.result_uids))
    if wanted.created_from is not None:
        statement = statement.where(t.delivery.c.created_at >= wanted.created_from)
    if wanted.after is not None:
        result_uid, destination = wanted.after
        last = t.delivery.alias()
        its_id = sa.select(last.c.id).where(last.c.result_uid == result_uid, last.c.destination == destination)
        statement = statement.where(t.delivery.c.id < its_id.scalar_subquery())
    return tuple(DeliveryRecord(**row._mapping) for row in tx.connection.execute(statement))


def is_destination(tx: Transaction, name: str) -> bool:
    """Whether anything was ever to be delivered there, whatever the configuration says now."""
    any_of_it = sa.select(t.delivery.c.id).where(t.delivery.c.destination == name).limit(1)
    return tx.connection.execute(any_of_it).first() is not None
