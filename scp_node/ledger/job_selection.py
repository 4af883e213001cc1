"""Which jobs are meant, by state, kind, study and queue, and how many of them wait for the same reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from scp_node.ledger import tables as t
from scp_node.ledger.records import UNFINISHED_JOBS, JobKind, JobState


@dataclass(frozen=True)
class JobSelection:
    """Which jobs are meant; what is left empty does not matter, but there is no job without a state. `error`: those
    that ended in these very words. `after`: those that came after the job of this moment and id."""

    states: Sequence[JobState]
    kind: JobKind | None = None
    study_instance_uid: str | None = None
    queues: Sequence[str] = ()
    error: str | None = None
    after: tuple[datetime, str] | None = None


@dataclass(frozen=True)
class JobCause:
    """How many jobs are in one state for the same reason, since when the oldest of them has been there, and when the
    first of them is due."""

    kind: JobKind
    queue: str
    state: JobState
    error: str
    jobs: int
    due_at: datetime
    oldest_at: datetime


def conditions(wanted: JobSelection) -> list[sa.ColumnElement[bool]]:
    """What is asked of a job. Where none is done, the index of those that are not is named."""
    asked: list[sa.ColumnElement[bool]] = [t.job.c.state.in_(wanted.states)]
    if set(wanted.states) <= set(UNFINISHED_JOBS):
        asked.append(t.UNFINISHED)
    if wanted.kind is not None:
        asked.append(t.job.c.kind == wanted.kind)
    if wanted.study_instance_uid is not None:
        asked.append(t.job.c.study_instance_uid == wanted.study_instance_uid)
    if wanted.queues:
        asked.append(t.job.c.queue.in_(wanted.queues))
    if wanted.error is not None:
        asked.append(t.job.c.error == wanted.error)
    if wanted.after is not None:
        created_at, job_id = wanted.after
        at_once = sa.and_(t.job.c.created_at == created_at, t.job.c.job_id > job_id)
        asked.append(sa.or_(t.job.c.created_at > created_at, at_once))
    return asked
