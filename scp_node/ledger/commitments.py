"""Requests for storage commitment: what archives were asked to confirm, and what they answered."""

from __future__ import annotations

import sqlalchemy as sa

from scp_node.ledger import tables as t
from scp_node.ledger.records import CommitmentRow, CommitmentState, now_utc
from scp_node.ledger.repository import Repository


class Commitments(Repository):
    """Statements on requests for storage commitment; one result each."""

    def add(
        self,
        transaction_uid: str,
        delivery_id: int,
        ae_title: str,
        sop_class_uid: str,
        sop_instance_uid: str,
    ) -> None:
        self._connection.execute(
            sa.insert(t.commitment).values(
                transaction_uid=transaction_uid,
                delivery_id=delivery_id,
                ae_title=ae_title,
                sop_class_uid=sop_class_uid,
                sop_instance_uid=sop_instance_uid,
                state="requested",
                requested_at=now_utc(),
            )
        )

    def get(self, transaction_uid: str, *, to_answer: bool = False) -> CommitmentRow | None:
        """`to_answer` keeps others from answering it until the transaction ends."""
        wanted = sa.select(t.commitment).where(t.commitment.c.transaction_uid == transaction_uid)
        row = self._connection.execute(wanted.with_for_update() if to_answer else wanted).one_or_none()
        return None if row is None else CommitmentRow(**row._mapping)

    def of_delivery(self, delivery_id: int) -> list[CommitmentRow]:
        """All requests about one delivery, oldest first."""
        rows = self._connection.execute(
            sa.select(t.commitment)
            .where(t.commitment.c.delivery_id == delivery_id)
            .order_by(t.commitment.c.requested_at, t.commitment.c.transaction_uid)
        )
        return [CommitmentRow(**row._mapping) for row in rows]

    def answer(self, transaction_uid: str, state: CommitmentState, failure_reason: int | None) -> None:
        self._connection.execute(
            sa.update(t.commitment)
            .where(t.commitment.c.transaction_uid == transaction_uid)
            .values(state=state, failure_reason=failure_reason, answered_at=now_utc())
        )
