"""What the jobs of studies, second models, deliveries and commitments are called, and in which queue they stand.

The job of an image is named where images come in: scp_node.intake.image_jobs.
"""

from __future__ import annotations

from datetime import datetime

from converter.image.priority import ROUTINE
from scp_node.ledger import DeliveryRow, InstanceRow, NewJob

STUDIES_QUEUE = "studies"
SHADOWS_QUEUE = "shadows"
_DELIVER, _COMMIT = "deliver-", "commit-"


def study_job(
    study_instance_uid: str, route: str, earlier_jobs: int, due_at: datetime, priority: int = ROUTINE
) -> NewJob:
    """Have a study reported once it is quiet. `earlier_jobs`: how many of the same study and route there were."""
    job_id = f"study:{route}:{study_instance_uid}:{earlier_jobs + 1}"
    return NewJob(job_id, "study", route, study_instance_uid, STUDIES_QUEUE, due_at, priority)


def shadow_job(image: InstanceRow, earlier_jobs: int, due_at: datetime) -> NewJob:
    """Have an image that was scored just now scored by a second model too."""
    job_id = f"shadow:{image.sop_instance_uid}:{earlier_jobs}"
    return NewJob(job_id, "shadow", image.sop_instance_uid, image.study_instance_uid, SHADOWS_QUEUE, due_at)


def delivery_queue(destination: str) -> str:
    """Each destination has a queue of its own, so that one that hangs does not hold up the others."""
    return f"{_DELIVER}{destination}"


def delivery_job_id(delivery_id: int) -> str:
    return f"delivery:{delivery_id}"


def delivery_job(delivery: DeliveryRow, study_instance_uid: str, due_at: datetime, priority: int = ROUTINE) -> NewJob:
    """Have a result sent to a destination."""
    job_id, queue = delivery_job_id(delivery.id), delivery_queue(delivery.destination)
    return NewJob(job_id, "delivery", str(delivery.id), study_instance_uid, queue, due_at, priority)


def commitment_queue(destination: str) -> str:
    """Apart from deliveries, because the answer of an archive is waited for."""
    return f"{_COMMIT}{destination}"


def destination_of(queue: str) -> str | None:
    """Whose queue it is, of deliveries or commitments."""
    for begin in (_DELIVER, _COMMIT):
        if queue.startswith(begin):
            return queue.removeprefix(begin)
    return None


def commitment_job_id(delivery_id: int, attempts: int) -> str:
    return f"commitment:{delivery_id}:{attempts}"


def commitment_job(
    delivery: DeliveryRow, attempts: int, study_instance_uid: str, due_at: datetime, priority: int = ROUTINE
) -> NewJob:
    """Have the archive asked whether it keeps what the attempt number `attempts` has brought it."""
    job_id, queue = commitment_job_id(delivery.id, attempts), commitment_queue(delivery.destination)
    return NewJob(job_id, "commitment", str(delivery.id), study_instance_uid, queue, due_at, priority)
