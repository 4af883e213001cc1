"""The job of an image is one for each content and each analysis."""

from __future__ import annotations

from scp_node.intake.image_jobs import IMAGES_QUEUE, image_job
from scp_node.ledger import NewJob
from scp_node.ledger.records import now_utc
from tests.support.ledger.ledgers import received

NOW = now_utc()


def test_a_received_image_is_analysed_by_a_job_of_its_study() -> None:
    record = received(digest="ab" * 16)
    assert image_job(record, NOW) == NewJob(
        "image:1.2.3.1.1:abababababababab", "image", "1.2.3.1.1", "1.2.3.1", IMAGES_QUEUE, NOW
    )


def test_other_content_and_a_further_analysis_are_jobs_of_their_own() -> None:
    first, other = received(digest="ab" * 16), received(digest="cd" * 16)
    ids = [image_job(first, NOW).job_id, image_job(other, NOW).job_id, image_job(first, NOW, 1).job_id]
    ids.append(image_job(first, NOW, 2).job_id)
    assert len(set(ids)) == 4
