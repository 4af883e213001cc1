"""Looks through the ledger for work that nobody will do any more, and starts it again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

from scp_node.engine.jobs import JobQueue
from scp_node.ledger import Ledger
from scp_node.ledger.records import LIVE_JOBS, now_utc

log = logging.getLogger(__name__)
SCAN_MAX = 10_000
GRACE = timedelta(seconds=30)


class Reconciler:
    """A thread that turns "stuck" into "late". `report_study` enqueues the report of a (study, route) pair;
    `is_running` tells which attempts this process works on."""

    def __init__(
        self,
        ledger: Ledger,
        jobs: JobQueue,
        is_running: Callable[[str, int], bool],
        report_study: Callable[[str, str], None],
        interval_s: float,
    ) -> None:
        self._ledger, self._jobs, self._is_running = ledger, jobs, is_running
        self._report_study, self._interval_s = report_study, interval_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reconciler", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=10)

    def reconcile(self) -> int:
        """One pass; returns how many jobs were started again."""
        with self._ledger.reading() as tx:
            live = self._ledger.jobs(tx, LIVE_JOBS, SCAN_MAX)
            unreported = self._ledger.routes_to_report(tx)
        overdue = [job for job in live if now_utc() - max(job.changed_at, job.due_at) > GRACE]
        lost = self._jobs.lost(overdue, self._is_running)
        for job in lost:
            with self._ledger.transaction() as tx:
                if self._ledger.job(tx, job.job_id) == job:
                    self._jobs.start_again(tx, job)
                    log.warning("lost job started again", extra={"job_id": job.job_id})
        for study_instance_uid, route in unreported:
            self._report_study(study_instance_uid, route)
        return len(lost) + len(unreported)

    def _run(self) -> None:
        while not self._stopped.wait(self._interval_s):
            try:
                self.reconcile()
            except Exception:
                log.exception("reconciling failed; next try in %s s", self._interval_s)
