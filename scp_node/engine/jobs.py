"""Enters jobs in the transaction of what they are about, and moves them through their states.

A job is a row of the ledger, so that nothing can be remembered and not done: the row and its job commit together. What
jobs are about is known elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from scp_node.errors import UsageError
from scp_node.ledger import JobRow, NewJob, Transaction
from scp_node.ledger.records import PENDING_JOBS, JobKind, now_utc

CANCELLED = "cancelled by an administrator"
GIVEN_UP = "given up"
_BEFORE = "; last failure: "


@dataclass(frozen=True)
class JobSubject:
    """What it means for the subject of a kind of job that a person retries or cancels one; in the same transaction."""

    on_retry: Callable[[Transaction, JobRow], None]
    on_cancel: Callable[[Transaction, JobRow], None]


class JobQueue:
    """Enters and changes jobs from any process; running them is the dispatcher's part.

    What makes a job due enters its ticket too, in the caller's transaction, for an engine that goes by tickets.
    """

    def put(self, tx: Transaction, new: NewJob) -> None:
        """Have something done; the same job twice is done once."""
        if tx.jobs.add(new):
            tx.tickets.put(new.job_id, 1, new.queue, new.due_at, new.priority)

    # What the worker that claimed a job may do with it, and with its subject after `hold`. Each raises JobLost when the
    # job is no longer that worker's: it was taken over or cancelled. The whole transaction is taken back then.

    def hold(self, tx: Transaction, job: JobRow) -> None:
        """What precedes each change that does not end the job."""
        tx.jobs.hold(job)

    def finish(self, tx: Transaction, job: JobRow) -> None:
        """The job is done."""
        tx.jobs.hold(job)
        tx.jobs.update(job.job_id, state="done", error="")

    def again(self, tx: Transaction, job: JobRow, due_at: datetime, error: str) -> None:
        """Another attempt at `due_at`."""
        tx.jobs.hold(job)
        _wait(tx, job, due_at, error)

    def postpone(self, tx: Transaction, job: JobRow, due_at: datetime) -> None:
        """It was too early: again at `due_at`, which counts neither as a failure nor as a try."""
        tx.jobs.hold(job)
        attempt, postponed = job.attempt + 1, job.postponed + 1
        tx.jobs.update(job.job_id, state="queued", attempt=attempt, starts=0, due_at=due_at, postponed=postponed)
        tx.tickets.put(job.job_id, attempt, job.queue, due_at, job.priority)

    def bury(self, tx: Transaction, job: JobRow, error: str) -> None:
        """No further attempt by itself: a dead letter that a person sees and may retry."""
        tx.jobs.hold(job)
        tx.jobs.update(job.job_id, state="dead", error=error)

    # What may be done with a job that nobody works on. Each raises UsageError when there is no such job, or its state
    # is another.

    def reopen(self, tx: Transaction, job_id: str, due_at: datetime, error: str) -> None:
        """Another attempt at a job that was done: what it brought about did not last."""
        _wait(tx, _job_in(tx, job_id, ("done",), "reopened"), due_at, error)

    def give_up(self, tx: Transaction, job_id: str, error: str) -> None:
        """Make a dead letter of a job that was done: what it brought about did not last, and never will."""
        _job_in(tx, job_id, ("done",), "given up")
        tx.jobs.update(job_id, state="dead", error=error)

    def move(self, tx: Transaction, job: JobRow, due_at: datetime, priority: int | None = None) -> None:
        """Another time for a job that has not begun, and perhaps another priority; the caller's transaction has read it
        to change it."""
        rank = job.priority if priority is None else priority
        tx.jobs.update(job.job_id, due_at=due_at, priority=rank)
        tx.tickets.put(job.job_id, job.attempt, job.queue, due_at, rank)

    def drop(self, tx: Transaction, job_id: str) -> None:
        """End a job that has not begun, if there is one: it need not be done any more."""
        job = tx.jobs.get(job_id, to_change=True)
        if job is not None and job.state in PENDING_JOBS:
            tx.jobs.update(job_id, state="done", error="")
            tx.tickets.drop(job_id, job.attempt)

    def retry(self, tx: Transaction, job_id: str, subjects: Mapping[JobKind, JobSubject]) -> JobRow:
        """Start a dead or waiting job again now, with its subject as it was before the job. An attempt that was never
        begun is none."""
        job = _job_in(tx, job_id, ("dead", "waiting"), "retried")
        subjects[job.kind].on_retry(tx, job)
        _wait(tx, job, now_utc(), last_failure(job.error))
        if not job.starts:
            tx.jobs.update(job_id, postponed=job.postponed + 1)
        return job

    def cancel(self, tx: Transaction, job_id: str, subjects: Mapping[JobKind, JobSubject]) -> JobRow:
        """Take a queued or waiting job out; it becomes a dead letter that keeps its last failure, and nothing waits for
        its subject any more."""
        job = _job_in(tx, job_id, PENDING_JOBS, "cancelled")
        tx.jobs.update(job_id, state="dead", error=ended_by(CANCELLED, job.error))
        tx.tickets.drop(job_id, job.attempt)
        subjects[job.kind].on_cancel(tx, job)
        return job


def ended_by(what: str, failure: str) -> str:
    """Why nothing is tried any more, and how the last attempt failed, where one did."""
    last = last_failure(failure)
    return f"{what}{_BEFORE}{last}" if last else what


def last_failure(error: str) -> str:
    """How the last attempt failed, without what ended all attempts."""
    if error.startswith(CANCELLED) or error.startswith(GIVEN_UP):
        return error.partition(_BEFORE)[2]
    return error


def _job_in(tx: Transaction, job_id: str, states: tuple[str, ...], wanted: str) -> JobRow:
    job = tx.jobs.get(job_id, to_change=True)
    if job is None:
        raise UsageError(f"there is no job {job_id}; 'hilum jobs list' names them")
    if job.state not in states:
        raise UsageError(f"{job_id} is {job.state}; only {' or '.join(states)} jobs can be {wanted}")
    return job


def _wait(tx: Transaction, job: JobRow, due_at: datetime, error: str) -> None:
    attempt = job.attempt + 1
    tx.jobs.update(job.job_id, state="waiting", attempt=attempt, starts=0, due_at=due_at, error=error)
    tx.tickets.put(job.job_id, attempt, job.queue, due_at, job.priority)
