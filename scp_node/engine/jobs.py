"""Enters jobs in the transaction of what they are about, and moves them through their states.

A job is a row of the ledger, so that nothing can be remembered and not done: the row and its job commit together.
"""

from __future__ import annotations

from datetime import datetime

from scp_node.errors import UsageError
from scp_node.ledger import JobRow, Ledger, Transaction
from scp_node.ledger.records import now_utc

IMAGES_QUEUE = "images"
STUDIES_QUEUE = "studies"
SHADOWS_QUEUE = "shadows"
CANCELLED = "cancelled by an administrator"


def delivery_queue(destination: str) -> str:
    """Each destination has a queue of its own, so that one that hangs does not hold up the others."""
    return f"deliver-{destination}"


def commitment_queue(destination: str) -> str:
    """Apart from deliveries, because the answer of an archive is waited for."""
    return f"commit-{destination}"


def delivery_job_id(delivery_id: int) -> str:
    return f"delivery:{delivery_id}"


def commitment_job_id(delivery_id: int, attempts: int) -> str:
    return f"commitment:{delivery_id}:{attempts}"


class JobQueue:
    """Enqueues from any process; running is the dispatcher's part. Thread-safe."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def enqueue_image(self, tx: Transaction, sop_instance_uid: str, study_instance_uid: str, digest: str) -> None:
        """Have a received instance analysed."""
        job_id = f"image:{sop_instance_uid}:{digest[:16]}"
        tx.jobs.add(job_id, "image", sop_instance_uid, study_instance_uid, IMAGES_QUEUE, now_utc())

    def enqueue_image_anew(self, tx: Transaction, sop_instance_uid: str, study_instance_uid: str, digest: str) -> None:
        """Have an instance analysed that was analysed before: a further job."""
        count = tx.jobs.count_of(study_instance_uid, sop_instance_uid)
        job_id = f"image:{sop_instance_uid}:{digest[:16]}:{count}"
        tx.jobs.add(job_id, "image", sop_instance_uid, study_instance_uid, IMAGES_QUEUE, now_utc())

    def enqueue_shadow(self, tx: Transaction, sop_instance_uid: str, study_instance_uid: str) -> None:
        """Have an image that was scored just now scored by a second model too."""
        count = tx.jobs.count_of(study_instance_uid, sop_instance_uid)
        job_id = f"shadow:{sop_instance_uid}:{count}"
        tx.jobs.add(job_id, "shadow", sop_instance_uid, study_instance_uid, SHADOWS_QUEUE, now_utc())

    def enqueue_study(self, tx: Transaction, study_instance_uid: str, route: str, cause: str, due_at: datetime) -> None:
        """Have a study reported once it is quiet. `cause` tells this job from earlier ones of the same study."""
        job_id = f"study:{route}:{study_instance_uid}:{cause}"
        tx.jobs.add(job_id, "study", route, study_instance_uid, STUDIES_QUEUE, due_at)

    def enqueue_delivery(self, tx: Transaction, delivery_id: int, destination: str, study_instance_uid: str) -> None:
        """Have a result sent to a destination."""
        job_id, queue = delivery_job_id(delivery_id), delivery_queue(destination)
        tx.jobs.add(job_id, "delivery", str(delivery_id), study_instance_uid, queue, now_utc())

    def enqueue_commitment(
        self, tx: Transaction, delivery_id: int, attempts: int, destination: str, study_instance_uid: str
    ) -> None:
        """Have the archive asked whether it keeps what the attempt number `attempts` has brought it."""
        job_id, queue, subject = (
            commitment_job_id(delivery_id, attempts),
            commitment_queue(destination),
            str(delivery_id),
        )
        tx.jobs.add(job_id, "commitment", subject, study_instance_uid, queue, now_utc())

    def end_commitment(self, tx: Transaction, delivery_id: int, attempts: int) -> None:
        """Nobody has to be asked any more about what up to `attempts` attempts brought. A job that runs finds out by
        itself."""
        for attempt in range(attempts + 1):
            job = tx.jobs.get(commitment_job_id(delivery_id, attempt))
            if job is not None and job.state in ("queued", "waiting"):
                tx.jobs.update(job.job_id, state="done", error="")

    def again(self, tx: Transaction, job: JobRow, due_at: datetime, error: str) -> None:
        """Another attempt at `due_at`."""
        tx.jobs.update(job.job_id, state="waiting", attempt=job.attempt + 1, starts=0, due_at=due_at, error=error)

    def finish(self, tx: Transaction, job: JobRow) -> None:
        """Raises JobLost when the job is no longer this worker's: the whole transaction is taken back."""
        tx.jobs.finish(job)

    def bury(self, tx: Transaction, job: JobRow, error: str) -> None:
        """No further attempt by itself: a dead letter that a person sees and may retry."""
        tx.jobs.update(job.job_id, state="dead", error=error)

    def retry(self, tx: Transaction, job_id: str) -> JobRow:
        """Start a dead or waiting job again now, with its subject as it was before the job.

        Raises UsageError when there is no such job, or it runs or is done.
        """
        job = self._known(tx, job_id)
        if job.state not in ("dead", "waiting"):
            raise UsageError(f"{job_id} is {job.state}; only dead or waiting jobs can be retried")
        if job.kind == "image":
            tx.instances.reopen(job.subject)
        elif job.kind == "delivery":
            tx.deliveries.restart(int(job.subject))
        self.again(tx, job, now_utc(), job.error)
        return job

    def cancel(self, tx: Transaction, job_id: str) -> JobRow:
        """Take a queued or waiting job out; it becomes a dead letter, and nothing waits for its subject any more.

        Raises UsageError for any other job.
        """
        job = self._known(tx, job_id)
        if job.state not in ("queued", "waiting"):
            raise UsageError(f"{job_id} is {job.state}; only queued or waiting jobs can be cancelled")
        self.bury(tx, job, CANCELLED)
        if job.kind == "image":
            tx.instances.finish(
                job.subject,
                "quarantined",
                route=None,
                model=None,
                reportable=False,
                decline_code="analysis-failed",
                detail=CANCELLED,
            )
        elif job.kind == "delivery":
            tx.deliveries.update(int(job.subject), state="dead", next_attempt_at=None, detail=CANCELLED)
        return job

    def _known(self, tx: Transaction, job_id: str) -> JobRow:
        job = tx.jobs.get(job_id)
        if job is None:
            raise UsageError(f"there is no job {job_id}; 'hilum jobs list' names them")
        return job
