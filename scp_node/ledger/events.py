"""What happened to each study, in order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from scp_node.ledger import tables as t
from scp_node.ledger.records import EventRow, ReceivedInstance, now_utc
from scp_node.ledger.repository import Repository

_ADD = sa.insert(t.event)


def told_of(record: ReceivedInstance) -> str:
    """What an event says of an object that came in."""
    damage = f"; damage: {record.damage}" if record.damage else ""
    return f"{record.bytes} bytes from {record.source} ({record.calling_ae_title}){damage}"


class Events(Repository):
    """Statements on events."""

    def add(
        self,
        study_instance_uid: str,
        subject: str,
        step: str,
        outcome: str,
        took_ms: float | None = None,
        at: datetime | None = None,
    ) -> None:
        self._connection.execute(
            _ADD,
            {
                "at": at or now_utc(),
                "study_instance_uid": study_instance_uid,
                "subject": subject,
                "step": step,
                "outcome": outcome,
                "took_ms": took_ms,
            },
        )

    def add_steps(
        self,
        study_instance_uid: str,
        subject: str,
        steps: Sequence[tuple[str, str, datetime, float | None]],
    ) -> None:
        """Several events of one subject at once: (step, outcome, at, took_ms) each."""
        if steps:
            rows = [
                {
                    "at": at,
                    "study_instance_uid": study_instance_uid,
                    "subject": subject,
                    "step": step,
                    "outcome": outcome,
                    "took_ms": took_ms,
                }
                for step, outcome, at, took_ms in steps
            ]
            self._connection.execute(_ADD, rows)

    def of_study(self, study_instance_uid: str) -> list[EventRow]:
        rows = self._connection.execute(
            sa.select(t.event).where(t.event.c.study_instance_uid == study_instance_uid).order_by(t.event.c.id)
        )
        return [
            EventRow(row.at, row.study_instance_uid, row.subject, row.step, row.outcome, row.took_ms) for row in rows
        ]
