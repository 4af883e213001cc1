"""The jobs that a worker has claimed and works on: no other worker takes them over while they run here."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from scp_node.engine.port import Limit, Start
from scp_node.engine.retry import Retries
from scp_node.ledger import JobRow, Ledger, Transaction

log = logging.getLogger(__name__)
# A lease is extended this often while it lasts, so that one that comes late costs no job.
EXTENSIONS = 4


class RunningJobs:
    """Those of one worker process. `worker` is a name that stays the same over restarts and is nobody else's."""

    def __init__(self, ledger: Ledger, worker: str, retries: Retries) -> None:
        self._ledger, self._worker, self._retries = ledger, worker, retries
        self._changed = threading.Condition()
        self._claiming = threading.Lock()
        self._jobs: dict[str, JobRow] = {}

    @property
    def lease(self) -> timedelta:
        return self._retries()["lost-lease"].wait()

    def by_queue(self) -> Counter[str]:
        """How many run here."""
        with self._changed:
            return Counter(job.queue for job in self._jobs.values())

    def claim(self, wanted: Callable[[Transaction, datetime], Iterable[JobRow]]) -> list[JobRow]:
        """Claim what `wanted` finds at that moment, in its transaction; without what another worker was quicker for."""
        with self._claiming:
            with self._ledger.transaction() as tx:
                moment = tx.jobs.moment()
                claims = [tx.jobs.claim(job, self._worker, moment + self.lease) for job in wanted(tx, moment)]
            claimed = [job for job in claims if job is not None]
            with self._changed:
                self._jobs |= {job.job_id: job for job in claimed}
        return claimed

    def run(self, job: JobRow, start: Start) -> None:
        """Work on a claimed job, in the caller's thread."""
        try:
            start(job)
        except Exception:
            log.exception("job attempt not entered", extra={"job_id": job.job_id})
        finally:
            with self._changed:
                if self._jobs.get(job.job_id) is job:  # else it was lost, and has been claimed here anew
                    del self._jobs[job.job_id]
                self._changed.notify_all()

    def extend_leases(self) -> None:
        """The worker lives: its jobs stay its own."""
        with self._changed:
            running = list(self._jobs.values())
        if running:
            with self._ledger.transaction() as tx:
                tx.jobs.extend_leases(running, tx.jobs.moment() + self.lease)

    def release_lost(self, then: Callable[[Transaction, list[str]], None] = lambda tx, freed: None) -> list[str]:
        """Make claimable again what nobody runs, and `then`, in the same transaction; returns the ids."""
        with self._claiming, self._ledger.transaction() as tx:
            freed = tx.jobs.release(self._worker, list(self._jobs))
            then(tx, freed)
        return freed

    def wait_for_end(self, wait_s: float) -> None:
        """Until nothing runs here any more, `wait_s` at most."""
        with self._changed:
            self._changed.wait_for(lambda: not self._jobs, wait_s)


def places(tx: Transaction, queue: str, limit: Limit, free_here: int) -> int:
    """How many jobs of a queue may be claimed in this transaction: nobody else claims of a queue with a limit for all
    workers until it ends."""
    if limit.everywhere is None:
        return free_here
    return max(0, min(free_here, limit.everywhere - tx.jobs.running(queue)))
