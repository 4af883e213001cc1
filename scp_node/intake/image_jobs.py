"""What the job of a received image is called, and in which queue it stands."""

from __future__ import annotations

from datetime import datetime

from scp_node.ledger import InstanceRow, NewJob, ReceivedInstance

IMAGES_QUEUE = "images"


def image_job(image: ReceivedInstance | InstanceRow, due_at: datetime, earlier_jobs: int = 0) -> NewJob:
    """Have an image analysed. Other content and each analysis after the first are jobs of their own."""
    job_id = f"image:{image.sop_instance_uid}:{image.digest[:16]}" + (f":{earlier_jobs}" if earlier_jobs else "")
    return NewJob(job_id, "image", image.sop_instance_uid, image.study_instance_uid, IMAGES_QUEUE, due_at)
