"""Retries and cancels jobs, each in a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from scp_node.engine.wakeup import Waker
from scp_node.errors import UsageError
from scp_node.ledger import JobRow, Ledger, Transaction
from scp_node.ledger.records import JobKind
from scp_node.operations.acts import Act, ActKind, ActOutcome, Operator
from scp_node.workflow import job_subjects

DEAD_MAX = 10_000


def retry_job(ledger: Ledger, waker: Waker, job_id: str, operator: Operator) -> Act:
    """Start a dead or waiting job again now. Raises UsageError when there is no such job, or it is in another state."""
    act = _change(ledger, job_id, operator, "retry-job", job_subjects.retry_job)
    waker.wake()
    return act


def retry_dead_jobs(ledger: Ledger, waker: Waker, operator: Operator, kind: JobKind | None = None) -> tuple[Act, ...]:
    """Start every dead letter again now, the oldest first, or every one of a kind; at most DEAD_MAX at once.

    One that somebody else retries meanwhile is passed over.
    """
    with ledger.reading() as tx:
        dead = tx.jobs.in_states(("dead",), DEAD_MAX, kind)
    acts = []
    for job in dead:
        with suppress(UsageError):
            acts.append(retry_job(ledger, waker, job.job_id, operator))
    return tuple(acts)


def cancel_job(ledger: Ledger, job_id: str, operator: Operator) -> Act:
    """Make a dead letter of a queued or waiting job. Raises UsageError like `retry_job`."""
    return _change(ledger, job_id, operator, "cancel-job", job_subjects.cancel_job)


def _change(
    ledger: Ledger, job_id: str, operator: Operator, kind: ActKind, change: Callable[[Transaction, str], JobRow]
) -> Act:
    outcome: ActOutcome = "failed"
    try:
        with ledger.transaction() as tx:
            change(tx, job_id)
        outcome = "done"
    except UsageError:
        outcome = "refused"
        raise
    finally:
        act = operator.record(kind, "job", job_id, outcome)
    return act
