"""One delivery per result and destination, and what each destination is known to take."""

from __future__ import annotations

from datetime import datetime
from typing import Any, get_args

import sqlalchemy as sa

from scp_node.ledger import tables as t
from scp_node.ledger.insert_once import insert_once
from scp_node.ledger.records import (
    DeliveryRow,
    DeliveryState,
    now_utc,
)

_OF_RESULT = sa.select(t.delivery).where(
    t.delivery.c.result_uid == sa.bindparam("uid"), t.delivery.c.destination == sa.bindparam("name")
)


class Deliveries:
    """Statements on deliveries and on the SOP classes that remote AEs accept."""

    def add_delivery(self, tx: sa.Connection, result_uid: str, destination: str) -> DeliveryRow:
        """One delivery per result and destination, however often this is called."""
        tx.execute(
            insert_once(tx, t.delivery),
            {
                "result_uid": result_uid,
                "destination": destination,
                "state": "queued",
                "attempts": 0,
                "created_at": now_utc(),
                "detail": "",
            },
        )
        return DeliveryRow(**tx.execute(_OF_RESULT, {"uid": result_uid, "name": destination}).one()._mapping)

    def delivery(self, tx: sa.Connection, delivery_id: int) -> DeliveryRow:
        return DeliveryRow(**tx.execute(sa.select(t.delivery).where(t.delivery.c.id == delivery_id)).one()._mapping)

    def deliveries_of_result(self, tx: sa.Connection, result_uid: str) -> list[DeliveryRow]:
        rows = tx.execute(sa.select(t.delivery).where(t.delivery.c.result_uid == result_uid).order_by(t.delivery.c.id))
        return [DeliveryRow(**row._mapping) for row in rows]

    def count_deliveries(self, tx: sa.Connection) -> dict[str, int]:
        """Number of deliveries by state, zero included."""
        rows = tx.execute(sa.select(t.delivery.c.state, sa.func.count()).group_by(t.delivery.c.state))
        return dict.fromkeys(get_args(DeliveryState), 0) | {state: count for state, count in rows}  # noqa: C416  rows are no tuples to mypy

    def update_delivery(self, tx: sa.Connection, delivery_id: int, **values: Any) -> None:
        tx.execute(sa.update(t.delivery).where(t.delivery.c.id == delivery_id).values(**values))

    def restart_delivery(self, tx: sa.Connection, delivery_id: int) -> None:
        """A person asked for it again: the time after which it is given up starts anew."""
        self.update_delivery(tx, delivery_id, state="queued", created_at=now_utc(), next_attempt_at=None)

    def sop_class_accepted(self, tx: sa.Connection, remote_ae: str, sop_class_uid: str) -> bool | None:
        """What the last association with `remote_ae` showed about a SOP class; None = never asked."""
        return tx.execute(
            sa.select(t.capability.c.accepted).where(
                t.capability.c.remote_ae == remote_ae, t.capability.c.sop_class_uid == sop_class_uid
            )
        ).scalar_one_or_none()

    def sop_class_refused_since(self, tx: sa.Connection, remote_ae: str, sop_class_uid: str) -> datetime | None:
        """When `remote_ae` was last asked for a SOP class, if it refused it then."""
        return tx.execute(
            sa.select(t.capability.c.seen_at).where(
                t.capability.c.remote_ae == remote_ae,
                t.capability.c.sop_class_uid == sop_class_uid,
                t.capability.c.accepted.is_(False),
            )
        ).scalar_one_or_none()

    def set_sop_class_accepted(self, tx: sa.Connection, remote_ae: str, sop_class_uid: str, accepted: bool) -> None:
        where = (t.capability.c.remote_ae == remote_ae, t.capability.c.sop_class_uid == sop_class_uid)
        values = {"accepted": accepted, "seen_at": now_utc()}
        if tx.execute(sa.update(t.capability).where(*where).values(**values)).rowcount == 0:
            tx.execute(sa.insert(t.capability).values(remote_ae=remote_ae, sop_class_uid=sop_class_uid, **values))
