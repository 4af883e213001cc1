"""The queue and the dead letters: which jobs wait, run or failed, and how many there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from scp_node.errors import UsageError
from scp_node.ledger import JobRow, Transaction
from scp_node.ledger import tables as t
from scp_node.ledger.records import JobKind, JobState

LISTED_STATES: tuple[JobState, ...] = ("queued", "waiting", "running", "dead")
JOB_STATES: tuple[JobState, ...] = (*LISTED_STATES, "done")


@dataclass(frozen=True)
class JobFilter:
    """What is left empty does not matter; without states, every job that is not done."""

    states: Sequence[JobState] = LISTED_STATES
    kind: JobKind | None = None


@dataclass(frozen=True)
class JobList:
    """`counts`: how many jobs there are by (kind, state), of those that are not listed too."""

    jobs: tuple[JobRow, ...]
    counts: Mapping[tuple[str, str], int]


@dataclass(frozen=True)
class JobDetails:
    """One job, and how many events there are of the study that it is about."""

    job: JobRow
    events: int


def list_jobs(tx: Transaction, wanted: JobFilter, limit: int) -> JobList:
    """Jobs, oldest first."""
    return JobList(tuple(tx.jobs.in_states(wanted.states, limit, wanted.kind)), tx.jobs.count())


def job_details(tx: Transaction, job_id: str) -> JobDetails:
    """Raises UsageError when there is no such job."""
    job = tx.jobs.get(job_id)
    if job is None:
        raise UsageError(f"there is no job {job_id}; 'hilum jobs list' names them")
    mine = sa.select(sa.func.count()).where(t.event.c.study_instance_uid == job.study_instance_uid)
    return JobDetails(job, tx.connection.execute(mine).scalar_one())
