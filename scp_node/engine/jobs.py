"""Puts jobs into ledger and engine in one transaction, and moves them through their states.

A job is a row of the ledger; each attempt at it is one DBOS workflow named `<job id>#<attempt>`. Whatever the engine
loses, the reconciler finds in the ledger and starts again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from dbos import DBOSClient, EnqueueOptions

from scp_node.errors import UsageError
from scp_node.ledger import JobRow, Ledger
from scp_node.ledger.records import now_utc

APPLICATION_NAME = "hilum"
# Recovery only looks at workflows of this version: change it when a job's arguments change, never with the code.
APPLICATION_VERSION = "jobs-1"
IMAGES_QUEUE = "images"
STUDIES_QUEUE = "studies"
CANCELLED = "cancelled by an administrator"
LOOKUP_MAX = 500


def delivery_queue(destination: str) -> str:
    """Each destination has a queue of its own, so that one that hangs does not hold up the others."""
    return f"deliver-{destination}"


def commitment_queue(destination: str) -> str:
    """Apart from deliveries, because the answer of an archive is waited for."""
    return f"commit-{destination}"


def delivery_job_id(delivery_id: int) -> str:
    return f"delivery:{delivery_id}"


class JobQueue:
    """Enqueues from any process; running is the dispatcher's part. Thread-safe."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._client = DBOSClient(
            system_database_engine=ledger.engine,
            application_name=APPLICATION_NAME,
            retry_connection_errors=False,
        )

    def close(self) -> None:
        self._client.destroy()

    def enqueue_image(self, tx: sa.Connection, sop_instance_uid: str, sha256: str, *, anew: bool = False) -> None:
        """Have a received instance analysed; `anew` makes a further job for one that was analysed before."""
        study_instance_uid = self._ledger.instance(tx, sop_instance_uid).study_instance_uid
        job_id = f"image:{sop_instance_uid}:{sha256[:16]}"
        if anew:
            job_id += f":{self._ledger.count_jobs_of(tx, sop_instance_uid)}"
        if self._ledger.add_job(tx, job_id, "image", sop_instance_uid, study_instance_uid, IMAGES_QUEUE, now_utc()):
            self._dispatch(tx, job_id, "image", IMAGES_QUEUE, 1, now_utc())

    def enqueue_study(
        self, tx: sa.Connection, study_instance_uid: str, route: str, cause: str, due_at: datetime
    ) -> None:
        """Have a study reported once it is quiet. `cause` tells this job from earlier ones of the same study."""
        job_id = f"study:{route}:{study_instance_uid}:{cause}"
        if self._ledger.add_job(tx, job_id, "study", route, study_instance_uid, STUDIES_QUEUE, due_at):
            self._dispatch(tx, job_id, "study", STUDIES_QUEUE, 1, due_at)

    def enqueue_delivery(self, tx: sa.Connection, delivery_id: int, destination: str, study_instance_uid: str) -> None:
        """Have a result sent to a destination."""
        job_id, queue = delivery_job_id(delivery_id), delivery_queue(destination)
        if self._ledger.add_job(tx, job_id, "delivery", str(delivery_id), study_instance_uid, queue, now_utc()):
            self._dispatch(tx, job_id, "delivery", queue, 1, now_utc())

    def enqueue_commitment(
        self, tx: sa.Connection, delivery_id: int, attempts: int, destination: str, study_instance_uid: str
    ) -> None:
        """Have the archive asked whether it keeps what the attempt number `attempts` has brought it."""
        job_id, queue, subject = f"commitment:{delivery_id}:{attempts}", commitment_queue(destination), str(delivery_id)
        if self._ledger.add_job(tx, job_id, "commitment", subject, study_instance_uid, queue, now_utc()):
            self._dispatch(tx, job_id, "commitment", queue, 1, now_utc())

    def end_commitment(self, tx: sa.Connection, delivery_id: int) -> None:
        """Nobody has to be asked any more. A job that runs finds out by itself."""
        for job in self._ledger.jobs_about(tx, "commitment", str(delivery_id)):
            if job.state in ("queued", "waiting"):
                self._ledger.update_job(tx, job.job_id, state="done", error="")

    def again(self, tx: sa.Connection, job: JobRow, due_at: datetime, error: str) -> None:
        """Another attempt at `due_at`."""
        self._ledger.update_job(
            tx, job.job_id, state="waiting", attempt=job.attempt + 1, starts=0, due_at=due_at, error=error
        )
        self._dispatch(tx, job.job_id, job.kind, job.queue, job.attempt + 1, due_at)

    def finish(self, tx: sa.Connection, job: JobRow) -> None:
        self._ledger.update_job(tx, job.job_id, state="done", error="")

    def bury(self, tx: sa.Connection, job: JobRow, error: str) -> None:
        """No further attempt by itself: a dead letter that a person sees and may retry."""
        self._ledger.update_job(tx, job.job_id, state="dead", error=error)

    def retry(self, tx: sa.Connection, job_id: str) -> JobRow:
        """Start a dead or waiting job again now, with its subject as it was before the job.

        Raises UsageError when there is no such job, or it runs or is done.
        """
        job = self._known(tx, job_id)
        if job.state not in ("dead", "waiting"):
            raise UsageError(f"{job_id} is {job.state}; only dead or waiting jobs can be retried")
        if job.kind == "image":
            self._ledger.reopen_instance(tx, job.subject)
        elif job.kind == "delivery":
            self._ledger.restart_delivery(tx, int(job.subject))
        self.again(tx, job, now_utc(), job.error)
        return job

    def cancel(self, tx: sa.Connection, job_id: str) -> JobRow:
        """Take a queued or waiting job out; it becomes a dead letter, and nothing waits for its subject any more.

        Raises UsageError for any other job.
        """
        job = self._known(tx, job_id)
        if job.state not in ("queued", "waiting"):
            raise UsageError(f"{job_id} is {job.state}; only queued or waiting jobs can be cancelled")
        self.bury(tx, job, CANCELLED)
        if job.kind == "image":
            self._ledger.finish_instance(
                tx,
                job.subject,
                "quarantined",
                route=None,
                model=None,
                reportable=False,
                decline_code="analysis-failed",
                detail=CANCELLED,
            )
        elif job.kind == "delivery":
            self._ledger.update_delivery(tx, int(job.subject), state="dead", next_attempt_at=None, detail=CANCELLED)
        return job

    def lost(self, jobs: Sequence[JobRow], is_running: Callable[[str, int], bool]) -> list[JobRow]:
        """Those of `jobs` that nobody will do: the engine does not know their attempt, has given it up, or believes
        that this data folder's one worker runs it, which it does not."""
        status_of: dict[str, str] = {}
        for start in range(0, len(jobs), LOOKUP_MAX):
            ids = [workflow_id(job.job_id, job.attempt) for job in jobs[start : start + LOOKUP_MAX]]
            found = self._client.list_workflows(workflow_ids=ids, load_input=False, load_output=False)
            status_of |= {status.workflow_id: status.status for status in found}
        waiting = ("ENQUEUED", "DELAYED")
        return [
            job
            for job in jobs
            if status_of.get(workflow_id(job.job_id, job.attempt)) not in waiting
            and not is_running(job.job_id, job.attempt)
        ]

    def start_again(self, tx: sa.Connection, job: JobRow) -> None:
        """A further attempt at a lost job, at the time it was due."""
        self.again(tx, job, max(job.due_at, now_utc()), job.error or "started again by the reconciler")

    def _known(self, tx: sa.Connection, job_id: str) -> JobRow:
        job = self._ledger.job(tx, job_id)
        if job is None:
            raise UsageError(f"there is no job {job_id}; 'hilum jobs list' names them")
        return job

    def _dispatch(self, tx: sa.Connection, job_id: str, kind: str, queue: str, attempt: int, due_at: datetime) -> None:
        options: EnqueueOptions = {
            "workflow_name": f"{kind}_job",
            "queue_name": queue,
            "workflow_id": workflow_id(job_id, attempt),
            "app_version": APPLICATION_VERSION,
        }
        wait_s = (due_at - now_utc()) / timedelta(seconds=1)
        if wait_s > 0:
            options["delay_seconds"] = wait_s
        self._client.enqueue_in_transaction(tx, options, job_id, attempt)


def workflow_id(job_id: str, attempt: int) -> str:
    return f"{job_id}#{attempt}"
