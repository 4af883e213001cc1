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
    """What is left empty does not matter."""

    states: Sequence[DeliveryState] = ()
    destination: str | None = None
    study_instance_uid: str | None = None


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


def list_deliveries(tx: Transaction, wanted: DeliveryFilter, limit: int) -> tuple[DeliveryRecord, ...]:
    """The newest deliveries, newest first."""
    statement = _ALL.order_by(t.delivery.c.id.desc()).limit(limit)
    if wanted.states:
        statement = statement.where(t.delivery.c.state.in_(wanted.states))
    if wanted.destination is not None:
        statement = statement.where(t.delivery.c.destination == wanted.destination)
    if wanted.study_instance_uid is not None:
        statement = statement.where(t.report.c.study_instance_uid == wanted.study_instance_uid)
    return tuple(DeliveryRecord(**row._mapping) for row in tx.connection.execute(statement))
