"""The queue and the dead letters: which jobs wait, run or failed, why, and how many there are."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from converter.image.priority import PRIORITIES
from scp_node.errors import NothingFound
from scp_node.ledger import DeliveryRow, EventRow, JobRow, Transaction
from scp_node.ledger import tables as t
from scp_node.ledger.job_selection import JobCause, JobSelection
from scp_node.ledger.records import JobKind, JobState
from scp_node.queries.document import document_of
from scp_node.queries.job_advice import advice
from scp_node.workflow.job_kinds import commitment_queue, delivery_queue, destination_of

LISTED_STATES: tuple[JobState, ...] = ("queued", "waiting", "running", "dead")
JOB_STATES: tuple[JobState, ...] = (*LISTED_STATES, "done")


@dataclass(frozen=True)
class JobFilter:
    """What is left empty does not matter; without states, every job that is not done. `destination`: jobs that send to
    it, or ask it to confirm. `queue`, `error`: of this one, ended in these very words. `after`: those behind the job of
    this moment and id."""

    states: Sequence[JobState] = LISTED_STATES
    kind: JobKind | None = None
    study_instance_uid: str | None = None
    destination: str | None = None
    queue: str | None = None
    error: str | None = None
    after: tuple[datetime, str] | None = None

    def selection(self) -> JobSelection:
        to = self.destination
        queues = [] if to is None else [delivery_queue(to), commitment_queue(to)]
        if self.queue is not None:
            queues = [self.queue]
        return JobSelection(self.states, self.kind, self.study_instance_uid, queues, self.error, self.after)


@dataclass(frozen=True)
class JobList:
    """`counts`: how many jobs there are by (kind, state) that are not done, of those that are not listed too."""

    jobs: tuple[JobRow, ...]
    counts: Mapping[tuple[str, str], int]


@dataclass(frozen=True)
class JobDetails:
    """One job, and how many events there are of the study that it is about."""

    job: JobRow
    events: int


@dataclass(frozen=True)
class JobStory:
    """One job, where it sends to, the result that it is about, and the last events of its subject in their order."""

    job: JobRow
    destination: str | None
    delivery: DeliveryRow | None
    events: tuple[EventRow, ...]


@dataclass(frozen=True)
class Cause:
    """Jobs that are in one state for the same reason. `ident` names it on a page: the words may be those of an archive,
    which may name a patient, so that they stand in no URL."""

    ident: str
    cause: JobCause
    destination: str | None
    advice: str

    def filter(self) -> JobFilter:
        """The jobs that are meant."""
        one = self.cause
        return JobFilter((one.state,), one.kind, queue=one.queue, error=one.error)


def list_jobs(tx: Transaction, wanted: JobFilter, limit: int) -> JobList:
    """Jobs, oldest first."""
    counts = {key: count for key, count in tx.jobs.count_live().items() if count}
    return JobList(tuple(tx.jobs.selected(wanted.selection(), limit)), counts)


def causes_of(tx: Transaction, wanted: JobFilter, limit: int) -> tuple[JobCause, ...]:
    """Why these jobs are where they are, the commonest reason first."""
    return tuple(tx.jobs.causes(wanted.selection(), limit))


def dead_causes(tx: Transaction, limit: int) -> tuple[Cause, ...]:
    """Why jobs were given up, the commonest reason first, each with what to do."""
    return tuple(
        Cause(_ident(one), one, destination_of(one.queue), advice(one.kind, one.error))
        for one in causes_of(tx, JobFilter(("dead",)), limit)
    )


def _ident(cause: JobCause) -> str:
    parts = (cause.kind, cause.queue, cause.state, cause.error)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def jobs_after(tx: Transaction, wanted: JobFilter, limit: int, after: str | None = None) -> tuple[JobRow, ...]:
    """Jobs, oldest first; with `after`, the id of the last one of these, those that follow."""
    last = None if after is None else tx.jobs.get(after)
    return tuple(tx.jobs.selected(wanted.selection(), limit, last))


def job_ids(tx: Transaction, wanted: JobFilter, limit: int) -> tuple[str, ...]:
    """Ids of jobs, oldest first."""
    return tuple(tx.jobs.selected_ids(wanted.selection(), limit))


def job_details(tx: Transaction, job_id: str) -> JobDetails:
    """Raises NothingFound when there is no such job."""
    job = tx.jobs.get(job_id)
    if job is None:
        raise NothingFound(f"there is no job {job_id}; 'hilum jobs list' names them")
    mine = sa.select(sa.func.count()).where(t.event.c.study_instance_uid == job.study_instance_uid)
    return JobDetails(job, tx.connection.execute(mine).scalar_one())


def job_story(tx: Transaction, job_id: str, events_max: int) -> JobStory:
    """Raises NothingFound when there is no such job."""
    job = job_details(tx, job_id).job
    delivery = tx.deliveries.get(int(job.subject)) if job.kind in ("delivery", "commitment") else None
    subjects = [job.subject] if delivery is None else [delivery.result_uid, f"delivery {delivery.id}"]
    if job.kind == "study":
        subjects = [job.study_instance_uid]
    columns = (t.event.c[name] for name in ("at", "study_instance_uid", "subject", "step", "outcome", "took_ms"))
    mine = (t.event.c.study_instance_uid == job.study_instance_uid, t.event.c.subject.in_(subjects))
    newest = sa.select(*columns).where(*mine).order_by(t.event.c.id.desc()).limit(events_max)
    rows = tx.connection.execute(newest).all()
    events = sorted((EventRow(**row._mapping) for row in reversed(rows)), key=lambda event: event.at)
    return JobStory(job, destination_of(job.queue), delivery, tuple(events))


def job_document(job: JobRow) -> dict[str, Any]:
    """The record as JSON has it, its priority by name, and where it sends to."""
    document: dict[str, Any] = document_of(job)
    further = {"attempts": job.attempts, "destination": destination_of(job.queue)}
    return document | further | {"priority": PRIORITIES[job.priority]}


def cause_document(cause: JobCause) -> dict[str, Any]:
    """The record as JSON has it, and where these jobs send to."""
    document: dict[str, Any] = document_of(cause)
    return document | {"destination": destination_of(cause.queue)}
