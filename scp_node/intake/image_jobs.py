"""What the job of a received image is called, and in which queue it stands."""

from __future__ import annotations

from datetime import datetime

from scp_node.ledger import InstanceRow, JobRow, NewJob, ReceivedInstance

IMAGES_QUEUE = "images"


def image_job(image: ReceivedInstance | InstanceRow, due_at: datetime, earlier_jobs: int = 0) -> NewJob:
    """Have an image analysed. Other content and each analysis after the first are jobs of their own."""
    job_id, uid = _first_job_id(image) + (f":{earlier_jobs}" if earlier_jobs else ""), image.sop_instance_uid
    return NewJob(job_id, "image", uid, image.study_instance_uid, IMAGES_QUEUE, due_at, image.priority)


def is_outdated(job: JobRow, image: InstanceRow) -> bool:
    """Whether an image job names other bytes than those that are current: what it finds counts no more."""
    named = job.job_id.removeprefix(f"image:{image.sop_instance_uid}:")
    return named != job.job_id and not image.digest.startswith(named.partition(":")[0])


def _first_job_id(image: ReceivedInstance | InstanceRow) -> str:
    return f"image:{image.sop_instance_uid}:{image.digest}"
