"""A queue whose destination is away: its jobs wait together, and go on together, the oldest first."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from scp_node.ledger import tables as t
from scp_node.ledger.jobs import lock_queue
from scp_node.ledger.repository import Repository
from scp_node.ledger.tickets import move_tickets

_MINE = (t.PENDING, t.job.c.queue == sa.bindparam("of_queue"))
_HOLD = (
    sa.update(t.job)
    .where(*_MINE, t.job.c.due_at < sa.bindparam("until"))
    .values(due_at=sa.bindparam("until"), state="waiting", error=sa.bindparam("why"))
)
_RELEASE = sa.update(t.job).where(*_MINE, t.job.c.due_at > t.job.c.created_at).values(due_at=t.job.c.created_at)


class HeldQueues(Repository):
    """Statements on all jobs of a queue that have not begun; each costs as much as there are."""

    def hold(self, queue: str, until: datetime, why: str) -> int:
        """Nothing of the queue is due before, for this reason. How many jobs wait longer for it."""
        lock_queue(self._connection, queue)
        held = self._connection.execute(_HOLD, {"of_queue": queue, "until": until, "why": why}).rowcount
        if held:
            move_tickets(self._connection, queue)
        return held

    def release(self, queue: str) -> int:
        """What waits is due, in the order in which it was entered. How many jobs go on."""
        lock_queue(self._connection, queue)
        released = self._connection.execute(_RELEASE, {"of_queue": queue}).rowcount
        if released:
            move_tickets(self._connection, queue)
        return released
