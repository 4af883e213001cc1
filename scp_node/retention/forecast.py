"""When the disk will be full: what came and what went each day, and the room that is left."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from scp_node.ledger import Transaction
from scp_node.ledger import tables as t

WINDOW = timedelta(days=7)


@dataclass(frozen=True)
class Forecast:
    """Bytes a day over the last week, and the bytes that the limits of the disk leave."""

    received_a_day: float
    removed_a_day: float
    room_bytes: float

    @property
    def full_in_days(self) -> float:
        """Infinite where as much goes as comes."""
        growth = self.received_a_day - self.removed_a_day
        return self.room_bytes / growth if growth > 0 else math.inf


def forecast(tx: Transaction, room_bytes: float, now: datetime) -> Forecast:
    """From the ledger. A node that is younger than a week is judged by its own days, and at least by one."""
    since = now - WINDOW
    first = tx.connection.execute(sa.select(sa.func.min(t.study.c.first_received_at))).scalar_one()
    days = max(1.0, min(WINDOW, now - first) / timedelta(days=1)) if first is not None else 1.0
    studies = sa.select(t.study.c.study_instance_uid).where(t.study.c.first_received_at >= since)
    reports = sa.select(t.report.c.id).where(t.report.c.study_instance_uid.in_(studies))
    images = sa.select(sa.func.coalesce(sa.func.sum(t.instance.c.bytes), 0)).where(
        t.instance.c.study_instance_uid.in_(studies)
    )
    results = sa.select(sa.func.coalesce(sa.func.sum(t.result.c.bytes), 0)).where(t.result.c.report_id.in_(reports))
    came = sum(float(tx.connection.execute(of).scalar_one()) for of in (images, results))
    went = sum(one.bytes for one in tx.removals.days_since(since.date() + timedelta(days=1)))
    return Forecast(came / days, went / days, room_bytes)
