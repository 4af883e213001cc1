"""Deliveries: one per result and destination, and how far it has come."""

from __future__ import annotations

from typing import Unpack, get_args

import sqlalchemy as sa

from scp_node.ledger import tables as t
from scp_node.ledger.insert_once import insert_once
from scp_node.ledger.records import DeliveryChange, DeliveryRow, DeliveryState, now_utc
from scp_node.ledger.repository import Repository

_OF_RESULT = sa.select(t.delivery).where(
    t.delivery.c.result_uid == sa.bindparam("uid"), t.delivery.c.destination == sa.bindparam("name")
)


class Deliveries(Repository):
    """Statements on deliveries."""

    def add(self, result_uid: str, destination: str) -> DeliveryRow:
        """One delivery per result and destination, however often this is called."""
        self._connection.execute(
            insert_once(self._connection, t.delivery),
            {
                "result_uid": result_uid,
                "destination": destination,
                "state": "queued",
                "attempts": 0,
                "created_at": now_utc(),
                "detail": "",
            },
        )
        return DeliveryRow(
            **self._connection.execute(_OF_RESULT, {"uid": result_uid, "name": destination}).one()._mapping
        )

    def get(self, delivery_id: int) -> DeliveryRow:
        return DeliveryRow(
            **self._connection.execute(sa.select(t.delivery).where(t.delivery.c.id == delivery_id)).one()._mapping
        )

    def of_result(self, result_uid: str) -> list[DeliveryRow]:
        rows = self._connection.execute(
            sa.select(t.delivery).where(t.delivery.c.result_uid == result_uid).order_by(t.delivery.c.id)
        )
        return [DeliveryRow(**row._mapping) for row in rows]

    def count(self) -> dict[str, int]:
        """Number of deliveries by state, zero included."""
        rows = self._connection.execute(sa.select(t.delivery.c.state, sa.func.count()).group_by(t.delivery.c.state))
        return dict.fromkeys(get_args(DeliveryState), 0) | {state: count for state, count in rows}  # noqa: C416  rows are no tuples to mypy

    def update(self, delivery_id: int, **values: Unpack[DeliveryChange]) -> None:
        self._connection.execute(sa.update(t.delivery).where(t.delivery.c.id == delivery_id).values(**values))

    def restart(self, delivery_id: int) -> None:
        """A person asked for it again: the time after which it is given up starts anew."""
        self.update(delivery_id, state="queued", created_at=now_utc(), next_attempt_at=None)
