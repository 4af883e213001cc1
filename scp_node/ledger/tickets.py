"""Tickets: what tells procrastinate's workers to look at a job, entered in the transaction that makes it due.

A ticket is the id of a job, its attempt, queue, due time and turn; the job's row is the truth. Where the embedded
engine works, the row is all there is, and nothing is entered. The rows are those that procrastinate's own
`procrastinate_defer_jobs_v1` enters; one statement does it here, so that a receiver or a command needs neither
procrastinate nor a second question, and a ticket that is there already gets the new time instead of an error.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from scp_node.ledger import tables as t
from scp_node.ledger.job_order import head_starts_of
from scp_node.ledger.repository import Repository

TASK = "look-at-job"
OPTION = "tickets"
_LIVE = ("todo", "doing")
_UNTOLD_MAX = 1000

_ticket = sa.table(
    "procrastinate_jobs",
    sa.column("queue_name"),
    sa.column("task_name"),
    sa.column("queueing_lock"),
    sa.column("args", postgresql.JSONB),
    sa.column("status", sa.Text),
    sa.column("scheduled_at", sa.DateTime(timezone=True)),
    sa.column("priority", sa.Integer),
    sa.column("worker_id"),
)
_worker = sa.table("procrastinate_workers", sa.column("id"), sa.column("last_heartbeat"))
_insert = postgresql.insert(_ticket)
_PUT = _insert.on_conflict_do_update(
    index_elements=["queueing_lock"],
    index_where=sa.text("status = 'todo'"),
    set_={name: _insert.excluded[name] for name in ("scheduled_at", "priority")},
)
_STATUS = sa.cast(_ticket.c.status, sa.Text)
_DROP = sa.delete(_ticket).where(sa.text("status = 'todo'"), _ticket.c.queueing_lock == sa.bindparam("dropped"))
# A worker that lives gives a sign; one that has ended is no row any more, and its tickets name none.
_ALIVE = sa.select(_worker.c.id).where(
    _worker.c.last_heartbeat > sa.func.now() - sa.bindparam("silent_max", type_=sa.Interval)
)
_DROP_DEAD = sa.delete(_ticket).where(
    sa.or_(
        _STATUS.not_in(_LIVE),
        sa.and_(_STATUS == "doing", sa.or_(_ticket.c.worker_id.is_(None), _ticket.c.worker_id.not_in(_ALIVE))),
    )
)
_LOCK = t.job.c.job_id + ":" + sa.cast(t.job.c.attempt, sa.Text)
_TOLD = (t.job.c.job_id, t.job.c.attempt, t.job.c.queue, t.job.c.due_at, t.job.c.priority)
_UNTOLD = sa.select(*_TOLD).where(
    t.PENDING,
    t.job.c.due_at <= sa.bindparam("moment"),
    ~sa.select(_ticket.c.queue_name).where(_ticket.c.queueing_lock == _LOCK, _STATUS.in_(_LIVE)).exists(),
)
_LEADER = sa.text("SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || ' recovery', 0))")


def are_tickets_used(engine: sa.Engine) -> bool:
    """Whether procrastinate dispatches the jobs of this database."""
    return bool(engine.get_execution_options().get(OPTION, False))


_MOVE = (
    sa.update(_ticket)
    .where(_STATUS == "todo", _ticket.c.queue_name == t.job.c.queue, _ticket.c.queueing_lock == _LOCK)
    .where(t.job.c.queue == sa.bindparam("of_queue"), t.PENDING)
    .values(scheduled_at=t.job.c.due_at)
)


def move_tickets(connection: sa.Connection, queue: str) -> None:
    """The tickets of a queue have the times of its jobs; those that have none get one from who looks for them."""
    if connection.get_execution_options().get(OPTION, False):
        connection.execute(_MOVE, {"of_queue": queue})


class Tickets(Repository):
    """Statements on tickets; none where there are none."""

    __slots__ = ("_are_used",)

    def __init__(self, connection: sa.Connection) -> None:
        super().__init__(connection)
        self._are_used = connection.get_execution_options().get(OPTION, False)

    def put(self, job_id: str, attempt: int, queue: str, due_at: datetime, priority: int) -> None:
        """Have the job looked at when it is due and it is its turn; one ticket an attempt, with what was said last."""
        if self._are_used:
            self._connection.execute(_PUT, [self._values(job_id, attempt, queue, due_at, priority)])

    def drop(self, job_id: str, attempt: int) -> None:
        """The job need not be looked at; a ticket that a worker has taken already finds nothing to do."""
        if self._are_used:
            self._connection.execute(_DROP, {"dropped": _lock(job_id, attempt)})

    def lead(self) -> bool:
        """Whether this transaction is the one that recovers, of all that would."""
        return bool(self._connection.execute(_LEADER).scalar_one())

    def drop_dead(self, silent_max: timedelta) -> None:
        """Those that have ended without being deleted, or whose worker has given no sign for so long."""
        self._connection.execute(_DROP_DEAD, {"silent_max": silent_max})

    def put_untold(self, moment: datetime) -> list[str]:
        """A ticket for each due job that has none; returns the ids of the jobs, a thousand at most."""
        untold = self._connection.execute(_UNTOLD.limit(_UNTOLD_MAX), {"moment": moment}).all()
        self._put_all(self._values(*row) for row in untold)
        return [row.job_id for row in untold]

    def _put_all(self, values: Iterable[dict[str, object]]) -> None:
        if rows := list(values):
            self._connection.execute(_PUT, rows)

    def _values(self, job_id: str, attempt: int, queue: str, due_at: datetime, priority: int) -> dict[str, object]:
        return {
            "queue_name": queue,
            "task_name": TASK,
            "queueing_lock": _lock(job_id, attempt),
            "args": {"job_id": job_id, "attempt": attempt},
            "scheduled_at": due_at,
            "priority": head_starts_of(self._connection).of_ticket(priority, due_at),
        }


def _lock(job_id: str, attempt: int) -> str:
    return f"{job_id}:{attempt}"
