"""Takes due jobs out of the ledger and runs them on threads, so many at a time of each queue.

A claimed job has a lease that this worker extends while it lives. What a dead worker had claimed is claimable again:
its own jobs at its next start, those of another worker when their lease has ended. Each worker looks for these as often
as it extends its own.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from scp_node.engine.retry import Retries
from scp_node.engine.runner import JobRunner
from scp_node.engine.wakeup import WakeUps
from scp_node.ledger import JobRow, Ledger

log = logging.getLogger(__name__)
THREADS_MAX = 1024
# A lease is extended this often while it lasts, so that one that comes late costs no job.
EXTENSIONS = 4


class Dispatcher:
    """One per worker process. `worker` is a name that stays the same over restarts and is nobody else's. With `after`,
    nothing is started while a job of that queue is due."""

    def __init__(
        self,
        ledger: Ledger,
        worker: str,
        runner: JobRunner,
        wakeups: WakeUps,
        retries: Retries,
        poll_s: float,
        after: str = "",
    ) -> None:
        self._ledger, self._worker, self._runner = ledger, worker, runner
        self._wakeups, self._retries, self._poll_s, self._after = wakeups, retries, poll_s, after
        self._queues: Mapping[str, int] = {}
        self._changed = threading.Condition()
        self._claiming = threading.Lock()
        self._running: dict[str, JobRow] = {}
        self._stopping = False
        self._see_at = 0.0
        self._threads = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="job")
        self._thread = threading.Thread(target=self._run, name="dispatcher", daemon=True)

    def start(self, queues: Mapping[str, int]) -> None:
        """Free what an earlier process of this worker held, then take work from `queues` (name to concurrency)."""
        self._queues = dict(queues)
        self.release_lost()
        self._thread.start()

    def listen(self, queues: Mapping[str, int]) -> None:
        """Work from these queues from now on."""
        self._queues = dict(queues)
        self._wakeups.wake()

    def stop(self, drain_s: float) -> None:
        """Take no more work and wait for what runs, `drain_s` at most; the rest is claimed at the next start."""
        self._stopping = True
        self._wakeups.wake()
        self._thread.join()
        with self._changed:
            self._changed.wait_for(lambda: not self._running, drain_s)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def release_lost(self) -> int:
        """Make claimable again what nobody runs; returns how many jobs that were."""
        with self._claiming, self._ledger.transaction() as tx:
            return tx.jobs.release(self._worker, list(self._running))

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._see_to_leases()
                wait_s = self._take()
            except Exception:
                wait_s = self._retries()["queue-look"].backoff.wait_s(1)
                log.exception("the queues cannot be read; next try in %s s", wait_s)
            self._wakeups.wait(min(wait_s, self._lease.total_seconds() / EXTENSIONS))

    def _take(self) -> float:
        """Start what is due and has a free place; returns how long nothing else will be due."""
        free = self._free_places()
        due: dict[str, int] = {}
        wait_s = self._poll_s
        with self._ledger.reading() as tx:
            moment = tx.jobs.moment()
            if self._after and any(job.due_at <= moment for job in tx.jobs.pending(self._after, 1)):
                return wait_s
            for queue, places in free.items():
                for job in tx.jobs.pending(queue, places):
                    if job.due_at <= moment:
                        due[queue] = places
                    else:
                        wait_s = min(wait_s, (job.due_at - moment).total_seconds())
                        break
        if due and not self._stopping:
            self._start(due)
        return wait_s

    def _free_places(self) -> dict[str, int]:
        with self._changed:
            taken = Counter(job.queue for job in self._running.values())
        return {queue: limit - taken[queue] for queue, limit in self._queues.items() if limit > taken[queue]}

    def _start(self, free: Mapping[str, int]) -> None:
        """Claim what is due in these queues, as many jobs as each has places."""
        with self._claiming:
            with self._ledger.transaction() as tx:
                moment = tx.jobs.moment()
                due = [job for queue, places in free.items() for job in tx.jobs.due(queue, places, moment)]
                claims = [tx.jobs.claim(job, self._worker, moment + self._lease) for job in due]
            claimed = [job for job in claims if job is not None]
            with self._changed:
                self._running |= {job.job_id: job for job in claimed}
        for job in claimed:
            self._threads.submit(self._work, job)

    def _work(self, job: JobRow) -> None:
        try:
            self._runner.run(job)
        except Exception:
            log.exception("job attempt not entered", extra={"job_id": job.job_id})
        finally:
            with self._changed:
                if self._running.get(job.job_id) is job:  # else it was lost, and has been claimed here anew
                    del self._running[job.job_id]
                self._changed.notify_all()
            self._wakeups.wake()

    def _see_to_leases(self) -> None:
        """Extend those of the jobs that run here, and free jobs whose worker has let theirs end."""
        if time.monotonic() < self._see_at:
            return
        with self._changed:
            running = list(self._running.values())
        if running:
            with self._ledger.transaction() as tx:
                tx.jobs.extend_leases(running, tx.jobs.moment() + self._lease)
        with self._ledger.reading() as tx:
            is_any_lost = tx.jobs.is_any_lost()
        if is_any_lost and (found := self.release_lost()):
            log.warning("lost jobs are started again", extra={"found": found})
        self._see_at = time.monotonic() + self._lease.total_seconds() / EXTENSIONS

    @property
    def _lease(self) -> timedelta:
        return self._retries()["lost-lease"].wait()
