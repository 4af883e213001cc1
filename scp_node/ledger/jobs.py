"""Jobs: one row each, whatever attempts the engine makes at it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, get_args

import sqlalchemy as sa

from scp_node.ledger import tables as t
from scp_node.ledger.records import (
    LIVE_JOBS,
    JobKind,
    JobRow,
    JobState,
    now_utc,
)


class Jobs:
    """Statements on jobs."""

    def add_job(
        self,
        tx: sa.Connection,
        job_id: str,
        kind: JobKind,
        subject: str,
        study_instance_uid: str,
        queue: str,
        due_at: datetime,
    ) -> bool:
        """Enter a job once. False if it is already there."""
        if self.job(tx, job_id) is not None:
            return False
        moment = now_utc()
        tx.execute(
            sa.insert(t.job).values(
                job_id=job_id,
                kind=kind,
                subject=subject,
                study_instance_uid=study_instance_uid,
                queue=queue,
                state="queued",
                attempt=1,
                starts=0,
                created_at=moment,
                due_at=due_at,
                changed_at=moment,
                error="",
            )
        )
        return True

    def job(self, tx: sa.Connection, job_id: str) -> JobRow | None:
        row = tx.execute(sa.select(t.job).where(t.job.c.job_id == job_id)).one_or_none()
        return None if row is None else JobRow(**row._mapping)

    def update_job(self, tx: sa.Connection, job_id: str, **values: Any) -> None:
        tx.execute(sa.update(t.job).where(t.job.c.job_id == job_id).values(**values, changed_at=now_utc()))

    def count_jobs_of(self, tx: sa.Connection, subject: str) -> int:
        """How many jobs there were for one subject."""
        return tx.execute(sa.select(sa.func.count()).where(t.job.c.subject == subject)).scalar_one()

    def jobs(self, tx: sa.Connection, states: Sequence[JobState], limit: int) -> list[JobRow]:
        rows = tx.execute(
            sa.select(t.job).where(t.job.c.state.in_(states)).order_by(t.job.c.created_at, t.job.c.job_id).limit(limit)
        )
        return [JobRow(**row._mapping) for row in rows]

    def jobs_about(self, tx: sa.Connection, kind: JobKind, subject: str) -> list[JobRow]:
        rows = tx.execute(sa.select(t.job).where(t.job.c.subject == subject, t.job.c.kind == kind))
        return [JobRow(**row._mapping) for row in rows]

    def jobs_of_study(self, tx: sa.Connection, study_instance_uid: str) -> list[JobRow]:
        rows = tx.execute(
            sa.select(t.job).where(t.job.c.study_instance_uid == study_instance_uid).order_by(t.job.c.created_at)
        )
        return [JobRow(**row._mapping) for row in rows]

    def count_live_jobs(self, tx: sa.Connection) -> dict[tuple[str, str], int]:
        """Number of jobs by (kind, state), zero included, without those that are done: few, however old the node is."""
        states: tuple[JobState, ...] = (*LIVE_JOBS, "dead")
        rows = tx.execute(
            sa.select(t.job.c.kind, t.job.c.state, sa.func.count())
            .where(t.job.c.state.in_(states))
            .group_by(t.job.c.kind, t.job.c.state)
        )
        none = {(kind, state): 0 for kind in get_args(JobKind) for state in states}
        return none | {(kind, state): count for kind, state, count in rows}

    def count_jobs(self, tx: sa.Connection) -> dict[tuple[str, str], int]:
        """Number of jobs by (kind, state)."""
        rows = tx.execute(sa.select(t.job.c.kind, t.job.c.state, sa.func.count()).group_by(t.job.c.kind, t.job.c.state))
        return {(kind, state): count for kind, state, count in rows}
