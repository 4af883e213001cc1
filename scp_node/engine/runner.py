"""Runs one attempt at a job: begin, work, and what follows when the work fails."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass

from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from converter.errors import ConverterError
from converter.page.counted import counted
from scp_node.engine.jobs import GIVEN_UP, JobQueue, ended_by
from scp_node.engine.retry import Retries
from scp_node.errors import HilumError, ModelUnusable, OutOfResources
from scp_node.ledger import JobLost, JobRow, Ledger, Transaction
from scp_node.ledger.records import JobKind, now_utc
from scp_node.telemetry import metrics

log = logging.getLogger(__name__)
# Failures of the machine, not of the work: they pass, and until then the job waits.
PASSING = (OutOfResources, ModelUnusable, OSError, OperationalError, PoolTimeout)


@dataclass(frozen=True)
class JobWork:
    """What a kind of job does.

    `work` ends the job in its own last transaction (finish, again or bury). `on_dead` enters what a dead job means for
    its subject, in the transaction that buries it.
    """

    work: Callable[[JobRow], None]
    on_dead: Callable[[Transaction, JobRow, str, str], None]


class JobRunner:
    """Turns a claimed job into work. When it fails, `retries` decides by the kind of job whether it is tried again. A
    job during which the process died too often is buried."""

    def __init__(self, ledger: Ledger, jobs: JobQueue, works: Mapping[JobKind, JobWork], retries: Retries) -> None:
        self._ledger, self._jobs, self._works, self._retries = ledger, jobs, works, retries
        self._suspects = threading.Lock()

    def run(self, job: JobRow) -> None:
        started = time.monotonic()
        try:
            self._run(job)
        except JobLost:
            log.warning("job was taken over meanwhile", extra={"job_id": job.job_id, "attempt": job.attempt})
        took_s = time.monotonic() - started
        metrics.job_seconds.labels(job.kind).observe(took_s)
        log.debug(
            "job attempt ended", extra={"job_id": job.job_id, "attempt": job.attempt, "took_ms": round(1000 * took_s)}
        )

    def _run(self, job: JobRow) -> None:
        deaths = job.starts - 1
        if self._retries()["lost-lease"].is_exhausted(deaths):
            with self._ledger.transaction(job.study_instance_uid) as tx:
                self._bury(tx, job, "crashed", f"the process died {counted(deaths, 'time')} during this job")
            return
        # a job whose process died before works alone: only the one that kills it again is charged with it
        with self._suspects if deaths else nullcontext():
            self._work(job)

    def _work(self, job: JobRow) -> None:
        try:
            self._works[job.kind].work(job)
        except JobLost:
            raise
        except PASSING as error:
            code = error.code if isinstance(error, HilumError) else type(error).__name__
            self._wait_out(job, code, str(error) if isinstance(error, HilumError) else code)
        except (HilumError, ConverterError) as error:
            self._failed(job, error.code, str(error), may_pass=isinstance(error, HilumError) and error.retry)
        except Exception as error:
            # first, because JobLost says that what failed is that the rows of the job were erased under it
            self._failed(job, "unexpected", type(error).__name__, may_pass=True)
            log.exception("job failed unexpectedly", extra={"job_id": job.job_id, "attempt": job.attempt})

    def _wait_out(self, job: JobRow, code: str, reason: str) -> None:
        """The machine failed: the job waits until it works again, however many attempts that takes."""
        policy = self._retries()[job.kind]
        is_over = policy.is_too_late(job.created_at, now_utc())
        self._end_attempt(
            job, code, reason, is_last=is_over, limit=policy.limit_in_words(job.kind, 0) if is_over else ""
        )

    def _failed(self, job: JobRow, code: str, reason: str, *, may_pass: bool) -> None:
        policy = self._retries()[job.kind]
        is_over = may_pass and policy.is_exhausted(job.tries)
        limit = policy.limit_in_words(job.kind, job.tries) if is_over else ""
        self._end_attempt(job, code, reason, is_last=is_over or not may_pass, limit=limit)

    def _end_attempt(self, job: JobRow, code: str, reason: str, *, is_last: bool, limit: str) -> None:
        """`limit`: the setting that makes it the last one, in words; empty where the failure itself does."""
        with self._ledger.transaction(job.study_instance_uid) as tx:
            if is_last:
                self._bury(tx, job, code, reason, limit)
                return
            due_at = now_utc() + self._retries()[job.kind].wait(job.tries)
            self._jobs.again(tx, job, due_at, f"{code}: {reason}")
        log.warning("job will be tried again", extra={"job_id": job.job_id, "code": code, "reason": reason})

    def _bury(self, tx: Transaction, job: JobRow, code: str, reason: str, limit: str = "") -> None:
        failure = f"{code}: {reason}"
        self._jobs.bury(tx, job, ended_by(f"{GIVEN_UP} {limit}", failure) if limit else failure)
        self._works[job.kind].on_dead(tx, job, code, reason)
        log.error("job is a dead letter", extra={"job_id": job.job_id, "code": code, "reason": reason})
