"""What happened, in order, and how a study is found again by any of its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from scp_node.ledger import tables as t
from scp_node.ledger.records import (
    EventRow,
    now_utc,
)

_ADD = sa.insert(t.event)


class Events:
    """Statements on events, and look-ups across tables."""

    def add_event(
        self,
        tx: sa.Connection,
        study_instance_uid: str,
        subject: str,
        step: str,
        outcome: str,
        took_ms: float | None = None,
        at: datetime | None = None,
    ) -> None:
        tx.execute(
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
        tx: sa.Connection,
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
            tx.execute(_ADD, rows)

    def events_of_study(self, tx: sa.Connection, study_instance_uid: str) -> list[EventRow]:
        rows = tx.execute(
            sa.select(t.event).where(t.event.c.study_instance_uid == study_instance_uid).order_by(t.event.c.id)
        )
        return [
            EventRow(row.at, row.study_instance_uid, row.subject, row.step, row.outcome, row.took_ms) for row in rows
        ]

    def studies_matching(self, tx: sa.Connection, key: str) -> list[str]:
        """Study Instance UIDs that `key` names: an accession number, or a study, SOP instance or result UID."""
        found: dict[str, None] = {}
        for statement in (
            sa.select(t.study.c.study_instance_uid).where(
                sa.or_(t.study.c.accession_number == key, t.study.c.study_instance_uid == key)
            ),
            sa.select(t.instance.c.study_instance_uid).where(
                sa.or_(t.instance.c.sop_instance_uid == key, t.instance.c.series_instance_uid == key)
            ),
            sa.select(t.report.c.study_instance_uid)
            .join(t.result, t.result.c.report_id == t.report.c.id)
            .where(t.result.c.sop_instance_uid == key),
        ):
            found.update(dict.fromkeys(tx.execute(statement).scalars()))
        return list(found)
