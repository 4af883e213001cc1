"""What waits in each queue, and for how long: a look costs the same however much waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from scp_node.ledger import Transaction
from scp_node.ledger import tables as t
from scp_node.workflow.job_kinds import destination_of

QUEUES_MAX, COUNTED_MAX, LOOKED_AT_MAX = 200, 10_000, 200


@dataclass(frozen=True)
class QueueLine:
    """One queue in which something waits or runs. `waiting` is COUNTED_MAX where there is as much or more. `oldest_at`
    is when the oldest of the next LOOKED_AT_MAX jobs was entered, `next_at` when the first is due. `failed_at` and
    `error` tell how the last attempt at one of them ended, where it failed."""

    queue: str
    destination: str | None
    waiting: int
    running: int
    oldest_at: datetime | None = None
    next_at: datetime | None = None
    failed_at: datetime | None = None
    error: str = ""

    @property
    def is_more(self) -> bool:
        return self.waiting >= COUNTED_MAX


def queue_lines(tx: Transaction) -> tuple[QueueLine, ...]:
    """All queues that are not empty, by name."""
    running = _running(tx)
    names = sorted({*_waiting_queues(tx), *running})
    return tuple(_line(tx, name, running.get(name, 0)) for name in names[:QUEUES_MAX])


def _waiting_queues(tx: Transaction) -> list[str]:
    """One step through the index for each name, not for each job."""
    found: list[str] = []
    first = sa.select(sa.func.min(t.job.c.queue)).where(t.PENDING)
    name = tx.connection.execute(first).scalar_one()
    while name is not None and len(found) < QUEUES_MAX:
        found.append(name)
        name = tx.connection.execute(first.where(t.job.c.queue > name)).scalar_one()
    return found


def _running(tx: Transaction) -> dict[str, int]:
    rows = tx.connection.execute(
        sa.select(t.job.c.queue, sa.func.count().label("jobs"))
        .where(t.UNFINISHED, t.job.c.state == "running")
        .group_by(t.job.c.queue)
    )
    return {row.queue: row.jobs for row in rows}


def _line(tx: Transaction, name: str, running: int) -> QueueLine:
    mine = (t.PENDING, t.job.c.queue == name)
    counted = sa.select(sa.literal(1).label("one")).where(*mine).limit(COUNTED_MAX).subquery()
    waiting = tx.connection.execute(sa.select(sa.func.count()).select_from(counted)).scalar_one()
    columns = (t.job.c.created_at, t.job.c.due_at, t.job.c.changed_at, t.job.c.error)
    rows = tx.connection.execute(sa.select(*columns).where(*mine).order_by(t.job.c.due_at).limit(LOOKED_AT_MAX)).all()
    failed = max((row for row in rows if row.error), key=lambda row: row.changed_at, default=None)
    return QueueLine(
        queue=name,
        destination=destination_of(name),
        waiting=waiting,
        running=running,
        oldest_at=min((row.created_at for row in rows), default=None),
        next_at=rows[0].due_at if rows else None,
        failed_at=failed.changed_at if failed else None,
        error=failed.error if failed else "",
    )
