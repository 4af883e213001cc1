"""Jobs: one row each, from the moment something is to be done until it is done or given up.

This table is the queue. Rows that wait are found by queue, priority and due time, so that claiming costs the same
however many there are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Unpack, get_args

import sqlalchemy as sa

from scp_node.ledger import tables as t
from scp_node.ledger.insert_once import insert_once
from scp_node.ledger.job_order import RANKS, head_starts_of
from scp_node.ledger.job_selection import JobCause, JobSelection, conditions
from scp_node.ledger.records import (
    UNFINISHED_JOBS,
    JobChange,
    JobKind,
    JobRow,
    JobState,
    NewJob,
    now_utc,
)
from scp_node.ledger.repository import Repository

_BY_ID = sa.select(t.job).where(t.job.c.job_id == sa.bindparam("job_id"))


def _first(*conditions: sa.ColumnElement[bool], to_claim: bool) -> sa.CompoundSelect[Any]:
    """Of each priority the first jobs of a queue, by the time they are due: a look into the index each. What another
    worker is claiming at this moment is passed over; SQLite has one writer, and no such word."""

    def of(rank: int) -> sa.Select[Any]:
        mine = (t.PENDING, t.job.c.queue == sa.bindparam("queue"), t.job.c.priority == sa.literal_column(str(rank)))
        first = sa.select(t.job).where(*mine, *conditions).order_by(t.job.c.due_at).limit(sa.bindparam("count"))
        return sa.select((first.with_for_update(skip_locked=True) if to_claim else first).subquery(f"of_{rank}"))

    return sa.union_all(*map(of, RANKS))


_PENDING = _first(to_claim=False)
_DUE = _first(t.job.c.due_at <= sa.bindparam("moment"), to_claim=True)
# Two ledgers in two schemas of one database do not wait for each other.
_QUEUE_LOCK = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' queue ' || :queue, 0))")
_RUNNING = (
    sa.select(sa.func.count())
    .select_from(t.job)
    .where(t.UNFINISHED, t.job.c.state == "running", t.job.c.queue == sa.bindparam("queue"))
)
_CLOCK = sa.text("SELECT timezone('utc', clock_timestamp())")
_NEXT_QUEUE = (
    sa.select(t.job.c.queue).where(t.PENDING, t.job.c.queue > sa.bindparam("after")).order_by(t.job.c.queue).limit(1)
)
_CLAIM = (
    sa.update(t.job)
    .where(t.PENDING, t.job.c.job_id == sa.bindparam("claimed"), t.job.c.attempt == sa.bindparam("of_attempt"))
    .values(
        state="running",
        starts=t.job.c.starts + 1,
        worker=sa.bindparam("by"),
        lease_until=sa.bindparam("until"),
        changed_at=sa.bindparam("moment"),
    )
)
_AS_CLAIMED = (
    t.job.c.job_id == sa.bindparam("held"),
    t.job.c.attempt == sa.bindparam("of_attempt"),
    t.job.c.starts == sa.bindparam("of_start"),
    t.job.c.state == "running",
)
_HELD = sa.select(t.job.c.job_id).where(*_AS_CLAIMED).with_for_update()
_EXTEND = sa.update(t.job).where(*_AS_CLAIMED).values(lease_until=sa.bindparam("until"))
_REPORTS = sa.select(t.job).where(t.STUDY_JOB, t.job.c.study_instance_uid == sa.bindparam("study"))


class JobLost(Exception):
    """The job was taken over by another worker, or cancelled: what this one did must not be entered."""


def lock_queue(connection: sa.Connection, queue: str) -> None:
    """Nobody else counts or moves the jobs of a queue until the transaction ends; SQLite has one writer."""
    if connection.dialect.name != "sqlite":
        connection.execute(_QUEUE_LOCK, {"queue": queue})


class Jobs(Repository):
    """Statements on jobs."""

    def add(self, new: NewJob) -> bool:
        """Enter a job once. False if it is already there."""
        moment = now_utc()
        as_new = {
            "state": "queued",
            "attempt": 1,
            "starts": 0,
            "created_at": moment,
            "changed_at": moment,
            "error": "",
            "postponed": 0,
        }
        return bool(self._connection.execute(insert_once(self._connection, t.job), vars(new) | as_new).rowcount)

    def get(self, job_id: str, *, to_change: bool = False) -> JobRow | None:
        """`to_change` keeps others from changing it until the transaction ends."""
        wanted = _BY_ID.with_for_update() if to_change else _BY_ID
        row = self._connection.execute(wanted, {"job_id": job_id}).one_or_none()
        return None if row is None else JobRow(**row._mapping)

    def hold(self, job: JobRow) -> None:
        """Keep others from changing a claimed job until the transaction ends: what precedes each change of it.

        Raises JobLost when it is no longer as it was claimed.
        """
        claim = {"held": job.job_id, "of_attempt": job.attempt, "of_start": job.starts}
        if self._connection.execute(_HELD, claim).one_or_none() is None:
            raise JobLost(job.job_id)

    def update(self, job_id: str, **values: Unpack[JobChange]) -> None:
        self._connection.execute(
            sa.update(t.job).where(t.job.c.job_id == job_id).values(**values, changed_at=now_utc())
        )

    def pending(self, queue: str, count: int) -> list[JobRow]:
        """The first jobs of each priority of a queue, also those whose time has not come; by the time they are due."""
        found = self._connection.execute(_PENDING, {"queue": queue, "count": count})
        return sorted((JobRow(**row._mapping) for row in found), key=lambda job: job.due_at)

    def moment(self) -> datetime:
        """By which clock leases end and jobs are due: the database's, which all hosts share; with SQLite this
        machine's, which has all processes."""
        if self._connection.dialect.name == "sqlite":
            return now_utc()
        now: datetime = self._connection.execute(_CLOCK).scalar_one()
        return now.replace(tzinfo=UTC)

    def due(self, queue: str, count: int, moment: datetime) -> list[JobRow]:
        """The jobs of a queue whose turn it is, of those whose time has come, for this transaction to claim."""
        asked, order = {"queue": queue, "count": count, "moment": moment}, head_starts_of(self._connection)
        found = [JobRow(**row._mapping) for row in self._connection.execute(_DUE, asked)]
        return sorted(found, key=lambda job: order.turn(job.priority, job.due_at))[:count]

    def claim(self, job: JobRow, worker: str, lease_until: datetime) -> JobRow | None:
        """Mark a pending job running here, and count the start. None if another worker was quicker."""
        moment = now_utc()
        claimed = self._connection.execute(
            _CLAIM,
            {
                "claimed": job.job_id,
                "of_attempt": job.attempt,
                "by": worker,
                "until": lease_until,
                "moment": moment,
            },
        )
        if not claimed.rowcount:
            return None
        return replace(
            job, state="running", starts=job.starts + 1, worker=worker, lease_until=lease_until, changed_at=moment
        )

    def extend_leases(self, running: Collection[JobRow], lease_until: datetime) -> None:
        """Of these jobs, those that are still as they were claimed."""
        claims = [
            {"held": job.job_id, "of_attempt": job.attempt, "of_start": job.starts, "until": lease_until}
            for job in running
        ]
        if claims:
            self._connection.execute(_EXTEND, claims)

    def release(self, worker: str, running: Collection[str]) -> list[str]:
        """Make the jobs claimable again that nobody runs: those of `worker` that are not among `running`, and those
        whose worker has let its lease end. Returns their ids."""
        ended = t.job.c.lease_until < self.moment()
        mine = sa.and_(t.job.c.worker == worker, t.job.c.job_id.not_in(running))
        freed = self._connection.execute(
            sa.update(t.job)
            .where(t.UNFINISHED, t.job.c.state == "running", sa.or_(ended, mine))
            .values(state="queued", changed_at=now_utc())
            .returning(t.job.c.job_id)
        )
        return list(freed.scalars())

    def is_any_lost(self) -> bool:
        """Whether the lease of a running job has ended."""
        ended = (t.UNFINISHED, t.job.c.state == "running", t.job.c.lease_until < self.moment())
        return self._connection.execute(sa.select(t.job.c.job_id).where(*ended).limit(1)).first() is not None

    def running(self, queue: str) -> int:
        """How many jobs of a queue run, in all processes; nobody else asks until the transaction ends."""
        lock_queue(self._connection, queue)
        return self._connection.execute(_RUNNING, {"queue": queue}).scalar_one()

    def is_any_due(self, queue: str, moment: datetime) -> bool:
        """Whether a job of a queue waits whose time has come."""
        return any(job.due_at <= moment for job in self.pending(queue, 1))

    def studies_of(self, job_ids: Sequence[str]) -> list[str]:
        """The studies that jobs belong to."""
        mine = t.job.c.job_id.in_(job_ids)
        return list(self._connection.execute(sa.select(t.job.c.study_instance_uid).where(mine).distinct()).scalars())

    def count_of(self, study_instance_uid: str, subject: str) -> int:
        """How many jobs there were for one subject, which belongs to that study."""
        mine = (t.job.c.study_instance_uid == study_instance_uid, t.job.c.subject == subject)
        return self._connection.execute(sa.select(sa.func.count()).where(*mine)).scalar_one()

    def pending_reports(self, study_instance_uid: str) -> list[JobRow]:
        """The study jobs of a study that wait for their time, of all its routes; nobody else changes them until the
        transaction ends."""
        wanted = _REPORTS.where(t.PENDING).order_by(t.job.c.subject, t.job.c.due_at).with_for_update()
        return [JobRow(**row._mapping) for row in self._connection.execute(wanted, {"study": study_instance_uid})]

    def count_reports(self, study_instance_uid: str, route: str) -> int:
        """How many study jobs there were for a study and route."""
        mine = (t.STUDY_JOB, t.job.c.study_instance_uid == study_instance_uid, t.job.c.subject == route)
        return self._connection.execute(sa.select(sa.func.count()).where(*mine)).scalar_one()

    def selected(self, wanted: JobSelection, limit: int, after: JobRow | None = None) -> list[JobRow]:
        """The oldest jobs that are meant, or those that follow `after`; where those that are done are meant too, the
        newest ones. Oldest first."""
        newest = "done" in wanted.states
        order = (t.job.c.created_at.desc(), t.job.c.job_id.desc()) if newest else (t.job.c.created_at, t.job.c.job_id)
        meant = sa.select(t.job).where(*conditions(wanted))
        if after is not None:
            at_once = sa.and_(t.job.c.created_at == after.created_at, t.job.c.job_id > after.job_id)
            meant = meant.where(sa.or_(t.job.c.created_at > after.created_at, at_once))
        rows = self._connection.execute(meant.order_by(*order).limit(limit)).all()
        return [JobRow(**row._mapping) for row in (reversed(rows) if newest else rows)]

    def selected_ids(self, wanted: JobSelection, limit: int) -> list[str]:
        """The ids of the oldest jobs that are meant, oldest first."""
        ids = sa.select(t.job.c.job_id).where(*conditions(wanted)).order_by(t.job.c.created_at, t.job.c.job_id)
        return list(self._connection.execute(ids.limit(limit)).scalars())

    def causes(self, wanted: JobSelection, limit: int) -> list[JobCause]:
        """Why the jobs that are meant are where they are, the commonest reason first."""
        alike = (t.job.c.kind, t.job.c.queue, t.job.c.state, t.job.c.error)
        count, due_at = sa.func.count().label("jobs"), sa.func.min(t.job.c.due_at).label("due_at")
        oldest_at = sa.func.min(t.job.c.created_at).label("oldest_at")
        found = sa.select(*alike, count, due_at, oldest_at).where(*conditions(wanted)).group_by(*alike)
        rows = self._connection.execute(found.order_by(count.desc(), *alike).limit(limit))
        return [JobCause(**row._mapping) for row in rows]

    def in_states(self, states: Sequence[JobState], limit: int, kind: JobKind | None = None) -> list[JobRow]:
        """Jobs in these states, of all kinds or of one, as `selected` has them."""
        return self.selected(JobSelection(states, kind), limit)

    def of_study(self, study_instance_uid: str) -> list[JobRow]:
        rows = self._connection.execute(
            sa.select(t.job).where(t.job.c.study_instance_uid == study_instance_uid).order_by(t.job.c.created_at)
        )
        return [JobRow(**row._mapping) for row in rows]

    def count_live(self) -> dict[tuple[str, str], int]:
        """Number of jobs by (kind, state), zero included, without those that are done: few, however old the node is."""
        rows = self._connection.execute(
            sa.select(t.job.c.kind, t.job.c.state, sa.func.count())
            .where(t.UNFINISHED)
            .group_by(t.job.c.kind, t.job.c.state)
        )
        none = {(kind, state): 0 for kind in get_args(JobKind) for state in UNFINISHED_JOBS}
        return none | {(kind, state): count for kind, state, count in rows}

    def oldest_due(self) -> dict[str, datetime]:
        """By queue, when the first of its jobs was due that wait: few looks into the index, however many there are."""
        found: dict[str, datetime] = {}
        queue = ""
        while (after := self._connection.execute(_NEXT_QUEUE, {"after": queue}).scalar_one_or_none()) is not None:
            queue = after
            if first := self.pending(queue, 1):  # else somebody has just claimed it
                found[queue] = first[0].due_at
        return found

    def count(self) -> dict[tuple[str, str], int]:
        """Number of jobs by (kind, state)."""
        rows = self._connection.execute(
            sa.select(t.job.c.kind, t.job.c.state, sa.func.count()).group_by(t.job.c.kind, t.job.c.state)
        )
        return {(kind, state): count for kind, state, count in rows}
