"""Runs one attempt at a job: begin, work, and what follows when the work fails."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.exc import OperationalError

from converter.errors import ConverterError
from scp_node.engine.jobs import JobQueue
from scp_node.errors import HilumError, ModelUnusable, OutOfResources
from scp_node.ledger import JobLost, JobRow, Ledger, Transaction
from scp_node.ledger.records import now_utc

log = logging.getLogger(__name__)
RETRY_FIRST_S = 3.0
RETRY_FACTOR = 3.0
RETRY_MAX_S = 300.0
# Failures of the machine, not of the work: they pass, and until then the job waits.
PASSING = (OutOfResources, ModelUnusable, OSError, OperationalError)
PASSING_FOR = timedelta(hours=72)


@dataclass(frozen=True)
class JobWork:
    """What a kind of job does. `work` ends the job in its own last transaction (finish or again); `on_dead` enters
    what a dead job means for its subject, in the transaction that buries it. After `attempts_max` failures that
    nobody planned for, a job is dead."""

    work: Callable[[JobRow], None]
    on_dead: Callable[[Transaction, JobRow, str, str], None]
    attempts_max: int


class JobRunner:
    """Turns a claimed job into work. A job whose process died `crashes_max` times during it is buried."""

    def __init__(self, ledger: Ledger, jobs: JobQueue, kinds: Mapping[str, JobWork], crashes_max: int) -> None:
        self._ledger, self._jobs, self._kinds, self._crashes_max = ledger, jobs, kinds, crashes_max
        self._suspects = threading.Lock()

    def run(self, job: JobRow) -> None:
        if job.starts > self._crashes_max:
            with self._ledger.transaction() as tx:
                self._bury(tx, job, "crashed", f"the process died {job.starts - 1} times during this job")
            return
        # a job whose process died before works alone: only the one that kills it again is charged with it
        with self._suspects if job.starts > 1 else nullcontext():
            self._work(job)

    def _work(self, job: JobRow) -> None:
        started = time.monotonic()
        try:
            self._kinds[job.kind].work(job)
        except JobLost:
            log.warning("job was taken over meanwhile", extra={"job_id": job.job_id, "attempt": job.attempt})
        except PASSING as error:
            code = error.code if isinstance(error, HilumError) else type(error).__name__
            reason = str(error) if isinstance(error, HilumError) else code
            self._failed(job, code, reason, retry=now_utc() - job.created_at < PASSING_FOR, counted=False)
        except HilumError as error:
            self._failed(job, error.code, str(error), retry=error.retry)
        except ConverterError as error:
            self._failed(job, error.code, str(error), retry=False)
        except Exception as error:
            log.exception("job failed unexpectedly", extra={"job_id": job.job_id, "attempt": job.attempt})
            self._failed(job, "unexpected", type(error).__name__, retry=True)
        log.debug(
            "job attempt ended",
            extra={"job_id": job.job_id, "attempt": job.attempt, "took_ms": round(1000 * (time.monotonic() - started))},
        )

    def _failed(self, job: JobRow, code: str, reason: str, *, retry: bool, counted: bool = True) -> None:
        with self._ledger.transaction() as tx:
            if not tx.jobs.holds(job):
                return
            if not retry or (counted and job.attempt >= self._kinds[job.kind].attempts_max):
                self._bury(tx, job, code, reason)
                return
            wait_s = min(RETRY_MAX_S, RETRY_FIRST_S * RETRY_FACTOR ** min(job.attempt - 1, 10))
            due_at = now_utc() + timedelta(seconds=wait_s * random.uniform(0.8, 1.2))
            self._jobs.again(tx, job, due_at, f"{code}: {reason}")
        log.warning("job will be tried again", extra={"job_id": job.job_id, "code": code, "reason": reason})

    def _bury(self, tx: Transaction, job: JobRow, code: str, reason: str) -> None:
        log.error("job is a dead letter", extra={"job_id": job.job_id, "code": code, "reason": reason})
        self._jobs.bury(tx, job, f"{code}: {reason}")
        self._kinds[job.kind].on_dead(tx, job, code, reason)
