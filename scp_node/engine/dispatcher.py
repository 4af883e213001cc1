"""The embedded engine: takes due jobs out of the ledger and runs them on threads, so many at a time of each queue.

A claimed job has a lease that this worker extends while it lives. What a dead worker had claimed is claimable again:
its own jobs at its next start, those of another worker when their lease has ended. Each worker looks for these as often
as it extends its own.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from scp_node.engine.port import Queues, Start
from scp_node.engine.retry import Retries
from scp_node.engine.running_jobs import EXTENSIONS, RunningJobs, places
from scp_node.engine.wakeup import WakeUps
from scp_node.ledger import JobRow, Ledger, Transaction

log = logging.getLogger(__name__)
THREADS_MAX = 1024


class Dispatcher:
    """One per worker process, under the name `worker`. With `after`, nothing is started while a job of that queue is
    due."""

    def __init__(
        self, ledger: Ledger, worker: str, wakeups: WakeUps, retries: Retries, poll_s: float, after: str = ""
    ) -> None:
        self._ledger, self._wakeups, self._retries = ledger, wakeups, retries
        self._poll_s, self._after = poll_s, after
        self._running = RunningJobs(ledger, worker, retries)
        self._queues: Queues = {}
        self._start: Start
        self._stopping = False
        self._see_at = 0.0
        self._threads = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="job")
        self._thread = threading.Thread(target=self._run, name="dispatcher", daemon=True)

    def work(self, queues: Queues, start: Start) -> None:
        self._queues, self._start = dict(queues), start
        if self._thread.is_alive():
            self._wakeups.wake()
            return
        self.recover()
        self._thread.start()

    def stop(self, drain_s: float) -> None:
        self._stopping = True
        self._wakeups.wake()
        if self._thread.ident is not None:
            self._thread.join()
        self._running.wait_for_end(drain_s)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def recover(self) -> list[str]:
        return self._running.release_lost()

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._see_to_leases()
                wait_s = self._take()
            except Exception:
                wait_s = self._retries()["queue-look"].backoff.wait_s(1)
                log.exception("the queues cannot be read; next try in %s s", wait_s)
            self._wakeups.wait(min(wait_s, self._running.lease.total_seconds() / EXTENSIONS))

    def _take(self) -> float:
        """Start what is due and has a free place; returns how long nothing else will be due."""
        free = self._free_places()
        due: dict[str, int] = {}
        wait_s = self._poll_s
        with self._ledger.reading() as tx:
            moment = tx.jobs.moment()
            if self._after and tx.jobs.is_any_due(self._after, moment):
                return wait_s
            for queue, places_here in free.items():
                for job in tx.jobs.pending(queue, places_here):
                    if job.due_at <= moment:
                        due[queue] = places_here
                    else:
                        wait_s = min(wait_s, (job.due_at - moment).total_seconds())
                        break
        if due and not self._stopping:
            self._claim(due)
        return wait_s

    def _free_places(self) -> dict[str, int]:
        taken = self._running.by_queue()
        return {queue: limit.here - taken[queue] for queue, limit in self._queues.items() if limit.here > taken[queue]}

    def _claim(self, free: Mapping[str, int]) -> None:
        """Claim what is due in these queues, as many jobs as each has places, and have it run."""

        def wanted(tx: Transaction, moment: datetime) -> Iterable[JobRow]:
            for queue in sorted(free):
                if (count := places(tx, queue, self._queues[queue], free[queue])) > 0:
                    yield from tx.jobs.due(queue, count, moment)

        for job in self._running.claim(wanted):
            self._threads.submit(self._work, job)

    def _work(self, job: JobRow) -> None:
        self._running.run(job, self._start)
        self._wakeups.wake()

    def _see_to_leases(self) -> None:
        """Extend those of the jobs that run here, and free jobs whose worker has let theirs end."""
        if time.monotonic() < self._see_at:
            return
        self._running.extend_leases()
        with self._ledger.reading() as tx:
            is_any_lost = tx.jobs.is_any_lost()
        if is_any_lost and (found := self.recover()):
            log.warning("lost jobs are started again", extra={"found": len(found)})
        self._see_at = time.monotonic() + self._running.lease.total_seconds() / EXTENSIONS
