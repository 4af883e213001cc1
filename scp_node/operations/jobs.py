"""Retries and cancels jobs: one in a transaction of its own, many in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from scp_node.engine.wakeup import Waker
from scp_node.errors import UsageError
from scp_node.ledger import JobRow, Ledger, Transaction
from scp_node.operations.acts import Act, ActKind, ActOutcome, Operator
from scp_node.workflow import job_subjects

SELECTED_MAX = 100_000
BATCH_SIZE_MAX = 200
Change = Callable[[Transaction, str], JobRow]


def retry_job(ledger: Ledger, waker: Waker, job_id: str, operator: Operator) -> Act:
    """Start a dead or waiting job again now. Raises UsageError when there is no such job, or it is in another state."""
    act = _change(ledger, job_id, operator, "retry-job", job_subjects.retry_job)
    waker.wake()
    return act


def retry_jobs(ledger: Ledger, waker: Waker, job_ids: Sequence[str], operator: Operator) -> Iterator[Act]:
    """Start dead or waiting jobs again now, in this order and batch by batch, each act told once it is durable.

    One that is in another state by now is passed over, which its act says.
    """
    for acts in _batches(ledger, job_ids, operator, "retry-job", job_subjects.retry_job):
        waker.wake()
        yield from acts


def cancel_job(ledger: Ledger, job_id: str, operator: Operator) -> Act:
    """Make a dead letter of a queued or waiting job. Raises UsageError like `retry_job`."""
    return _change(ledger, job_id, operator, "cancel-job", job_subjects.cancel_job)


def cancel_jobs(ledger: Ledger, job_ids: Sequence[str], operator: Operator) -> Iterator[Act]:
    """Make dead letters of queued or waiting jobs, like `retry_jobs`."""
    for acts in _batches(ledger, job_ids, operator, "cancel-job", job_subjects.cancel_job):
        yield from acts


def _change(ledger: Ledger, job_id: str, operator: Operator, kind: ActKind, change: Change) -> Act:
    outcome: ActOutcome = "failed"
    try:
        with _deciding(ledger, [job_id]) as tx:
            change(tx, job_id)
        outcome = "done"
    except UsageError:
        outcome = "refused"
        raise
    finally:
        act = operator.record(kind, "job", job_id, outcome)
    return act


def _batches(
    ledger: Ledger, job_ids: Sequence[str], operator: Operator, kind: ActKind, change: Change
) -> Iterator[list[Act]]:
    for first in range(0, len(job_ids), BATCH_SIZE_MAX):
        outcomes: dict[str, ActOutcome] = dict.fromkeys(job_ids[first : first + BATCH_SIZE_MAX], "failed")
        try:
            with _deciding(ledger, list(outcomes)) as tx:
                changed = [_outcome(tx, job_id, change) for job_id in outcomes]
            outcomes = dict(zip(outcomes, changed, strict=True))
        finally:
            acts = [Act(kind, "job", job_id, operator.name, outcome) for job_id, outcome in outcomes.items()]
            operator.recorder.record(*acts)
        yield acts


@contextmanager
def _deciding(ledger: Ledger, job_ids: Sequence[str]) -> Iterator[Transaction]:
    """A transaction about these jobs."""
    with ledger.reading() as tx:
        studies = tx.jobs.studies_of(job_ids)
    with ledger.transaction(*studies) as tx:
        yield tx


def _outcome(tx: Transaction, job_id: str, change: Change) -> ActOutcome:
    try:
        change(tx, job_id)
    except UsageError:
        return "refused"
    return "done"
