"""Jobs of a test: entered for a made-up image, and work that does what it is told and remembers it."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta

from converter.image.priority import ROUTINE
from scp_node.engine.jobs import JobQueue
from scp_node.engine.retry import RetryTable, retry_table
from scp_node.engine.runner import JobRunner, JobWork
from scp_node.intake.image_jobs import image_job
from scp_node.ledger import JobRow, Ledger, Transaction
from scp_node.ledger.records import JobState, now_utc
from scp_node.settings import Delivery, Workers
from tests.support.ledger.ledgers import received

IMAGE_UID, STUDY_UID = "1.2.3.1.1", "1.2.3.1"


def default_retries() -> RetryTable:
    """What holds where a configuration says nothing of it."""
    return retry_table(Workers(), Delivery())


def enter_image(ledger: Ledger, number: int = 1, due_at: datetime | None = None, priority: int = ROUTINE) -> str:
    """A received image and its job, which is due at once or at `due_at`; returns the id of the job."""
    record = replace(received(number), priority=priority)
    new = image_job(record, due_at or now_utc())
    with ledger.transaction() as tx:
        tx.instances.add(record)
        JobQueue().put(tx, new)
    return new.job_id


def job_of(ledger: Ledger, job_id: str) -> JobRow:
    with ledger.reading() as tx:
        job = tx.jobs.get(job_id)
    assert job is not None
    return job


def state(ledger: Ledger, job_id: str) -> JobState:
    return job_of(ledger, job_id).state


def hold(ledger: Ledger, job_id: str, worker: str, lease: timedelta = timedelta(hours=1)) -> JobRow:
    """Have `worker` claim a pending job; returns it as that worker holds it."""
    with ledger.transaction() as tx:
        row = tx.jobs.get(job_id)
        held = None if row is None else tx.jobs.claim(row, worker, now_utc() + lease)
    assert held is not None
    return held


class RecordedWork:
    """Raises what it is told to, one after the other, then finishes each job."""

    def __init__(self, ledger: Ledger, raises: list[Exception] | None = None) -> None:
        self.ledger, self.jobs, self.raises = ledger, JobQueue(), list(raises or [])
        self.ran: list[str] = []
        self.died: list[str] = []
        self.finished = threading.Event()

    def work(self, job: JobRow) -> None:
        self.ran.append(job.job_id)
        if self.raises:
            raise self.raises.pop(0)
        with self.ledger.transaction() as tx:
            self.jobs.finish(tx, job)
        self.finished.set()

    def on_dead(self, tx: Transaction, job: JobRow, code: str, reason: str) -> None:
        self.died.append(code)
        tx.events.add(job.study_instance_uid, job.subject, "died", code)
        self.finished.set()

    def runner(self, **workers: float) -> JobRunner:
        """One that works on images; `workers` are its settings."""
        table = retry_table(Workers.model_validate({"attempts_max": 3, **workers}), Delivery())
        return JobRunner(self.ledger, self.jobs, {"image": JobWork(self.work, self.on_dead)}, lambda: table)
