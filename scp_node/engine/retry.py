"""When failed work is tried again, and when it is given up: one formula, and one table for all kinds of work."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from converter.page.counted import counted
from scp_node.ledger.records import JobKind
from scp_node.settings import Delivery, Workers

Work = (
    JobKind
    | Literal[
        "commitment-request",  # an archive that took the request and has not reported
        "commitment-offer",  # an archive that does not offer storage commitment
        "query",  # an archive that does not list a result, or does not answer
        "uncommitted-result",  # a result that its archive reports as not kept
        "lost-lease",  # a job whose worker has given no sign
        "queue-look",  # a database that cannot be read
        "role",  # a process of the node that died
    ]
)
_GROWTHS_MAX = 64
# An archive that does not list a result yet is asked again after longer and longer waits.
QUERY_FACTOR, QUERY_WAIT_S_MAX = 4, 3600


@dataclass(frozen=True)
class Backoff:
    """Waits that grow by `factor` with each attempt, from `first_s` to `max_s`. The last part of each, `jitter` of it,
    is drawn by lot, so that what failed together is not tried again together."""

    first_s: float
    factor: float
    max_s: float
    jitter: float = 0.0

    def wait_s(self, attempts: int) -> float:
        """How long to wait after `attempts` failed attempts."""
        longest = min(self.max_s, self.first_s * self.factor ** min(attempts - 1, _GROWTHS_MAX))
        return longest * (1 - self.jitter * random.random())


@dataclass(frozen=True)
class RetryPolicy:
    """How one kind of work is tried again; None is without end."""

    backoff: Backoff
    attempts_max: int | None = None
    give_up_after: timedelta | None = None

    def wait(self, attempts: int = 1) -> timedelta:
        """How long to wait after `attempts` failed attempts."""
        return timedelta(seconds=self.backoff.wait_s(attempts))

    def is_exhausted(self, attempts: int) -> bool:
        """Whether there is no attempt after so many."""
        return self.attempts_max is not None and attempts >= self.attempts_max

    def limit_in_words(self, kind: JobKind, attempts: int) -> str:
        """What ends the work after so many attempts, or after so long: the setting, and its value."""
        section = "delivery" if kind == "delivery" else "workers"
        if self.is_exhausted(attempts):
            return f"after {counted(attempts, 'attempt')} ({section}.attempts_max)"
        assert self.give_up_after is not None
        hours = self.give_up_after / timedelta(hours=1)
        return f"after {hours:g} h ({section}.give_up_after_h)"

    def is_too_late(self, began_at: datetime, moment: datetime) -> bool:
        """Whether what began then is given up by now."""
        return self.give_up_after is not None and moment - began_at > self.give_up_after


RetryTable = Mapping[Work, RetryPolicy]
Retries = Callable[[], RetryTable]
"""Called anew for each decision, so that changed settings hold for the next one."""


def retry_table(workers: Workers, delivery: Delivery) -> RetryTable:
    """A row for each kind of work, from the settings."""
    job = RetryPolicy(
        Backoff(workers.retry_first_s, workers.retry_factor, workers.retry_max_s, workers.retry_jitter),
        workers.attempts_max,
        timedelta(hours=workers.give_up_after_h),
    )
    sending = Backoff(delivery.retry_first_s, delivery.retry_factor, delivery.retry_max_s, delivery.retry_jitter)
    restarting = Backoff(workers.restart_first_s, workers.restart_factor, workers.restart_max_s)
    return {
        "image": job,
        "study": job,
        "shadow": job,
        # each request to an archive, and each query, is an attempt at this job
        "commitment": replace(
            job, attempts_max=max(workers.attempts_max, delivery.commitment_requests_max, delivery.queries_max)
        ),
        "delivery": RetryPolicy(sending, delivery.attempts_max, timedelta(hours=delivery.give_up_after_h)),
        "commitment-request": RetryPolicy(_steady(delivery.commitment_timeout_s), delivery.commitment_requests_max),
        "commitment-offer": RetryPolicy(_steady(delivery.commitment_not_offered_s)),
        "query": RetryPolicy(_growing(delivery.query_wait_s), delivery.queries_max),
        "uncommitted-result": RetryPolicy(_steady(delivery.uncommitted_retry_s), delivery.uncommitted_attempts_max),
        "lost-lease": RetryPolicy(_steady(workers.lease_s), workers.attempts_max),
        "queue-look": RetryPolicy(_steady(workers.queue_retry_s)),
        "role": RetryPolicy(restarting),
    }


def _growing(first_s: float) -> Backoff:
    return Backoff(first_s, QUERY_FACTOR, max(first_s, QUERY_WAIT_S_MAX))


def _steady(wait_s: float) -> Backoff:
    return Backoff(wait_s, 1, wait_s)
