"""What it means for an image or a delivery that a person retries or cancels its job.

A command uses this: it loads no model, decodes nothing and sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from scp_node.engine.jobs import CANCELLED, JobQueue, JobSubject, ended_by
from scp_node.intake.image_jobs import is_outdated
from scp_node.ledger import JobRow, Transaction
from scp_node.ledger.records import JobKind
from scp_node.ledger.removal_records import in_spool


def retry_job(tx: Transaction, job_id: str) -> JobRow:
    """Start a dead or waiting job again now. Raises UsageError when there is no such job, or it is in another state."""
    return JobQueue().retry(tx, job_id, JOB_SUBJECTS)


def cancel_job(tx: Transaction, job_id: str) -> JobRow:
    """Make a dead letter of a queued or waiting job. Raises UsageError like `retry_job`."""
    return JobQueue().cancel(tx, job_id, JOB_SUBJECTS)


def _reopen_image(tx: Transaction, job: JobRow) -> None:
    """Unless other bytes have come meanwhile, which have a job of their own. Raises Removed."""
    image = tx.instances.get(job.subject)
    if not is_outdated(job, image):
        in_spool(image)
        tx.instances.reopen(job.subject)


def _quarantine_image(tx: Transaction, job: JobRow) -> None:
    """No report waits for the image, and none has it; one on the study that it has left is found by the reconciler."""
    image = tx.instances.get(job.subject)
    if is_outdated(job, image):
        return
    earlier = tx.versions.get(job.subject, image.judged_version) if image.judged_version else None
    if earlier is not None and earlier.study_instance_uid != image.study_instance_uid and image.route is not None:
        tx.studies.lock(earlier.study_instance_uid)
        tx.instances.uncover(earlier.study_instance_uid, image.route)
    tx.instances.finish(
        job.subject,
        "quarantined",
        route=None,
        model=None,
        reportable=False,
        decline_code="analysis-failed",
        detail=ended_by(CANCELLED, job.error),
        version=image.version,
    )


def _restart_delivery(tx: Transaction, job: JobRow) -> None:
    result = tx.results.get(tx.deliveries.get(int(job.subject)).result_uid)
    assert result is not None, "a delivery has a result"
    in_spool(result)
    tx.deliveries.restart(int(job.subject))


def _give_up_delivery(tx: Transaction, job: JobRow) -> None:
    detail = ended_by(CANCELLED, tx.deliveries.get(int(job.subject)).detail)
    tx.deliveries.update(int(job.subject), state="dead", next_attempt_at=None, detail=detail)


def _nothing(tx: Transaction, job: JobRow) -> None:
    """The subject does not change."""


JOB_SUBJECTS: Mapping[JobKind, JobSubject] = {
    "image": JobSubject(_reopen_image, _quarantine_image),
    "study": JobSubject(_nothing, _nothing),
    "shadow": JobSubject(_nothing, _nothing),
    "delivery": JobSubject(_restart_delivery, _give_up_delivery),
    "commitment": JobSubject(_nothing, _nothing),
}
