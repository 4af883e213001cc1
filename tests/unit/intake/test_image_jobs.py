"""The job of an image is one for each content and each analysis."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from scp_node.intake.image_jobs import IMAGES_QUEUE, image_job, is_outdated
from scp_node.ledger import NewJob
from scp_node.ledger.records import now_utc
from tests.support.ledger.ledgers import new_ledger, received
from tests.support.ledger.work import IMAGE_UID, enter_image

NOW = now_utc()


def test_a_received_image_is_analysed_by_a_job_of_its_study() -> None:
    record = received(digest="ab" * 16)
    assert image_job(record, NOW) == NewJob(
        f"image:1.2.3.1.1:{'ab' * 16}", "image", "1.2.3.1.1", "1.2.3.1", IMAGES_QUEUE, NOW
    )


def test_other_content_and_a_further_analysis_are_jobs_of_their_own() -> None:
    first, other = received(digest="ab" * 16), received(digest="ab" * 8 + "cd" * 8)
    ids = [image_job(first, NOW).job_id, image_job(other, NOW).job_id, image_job(first, NOW, 1).job_id]
    ids.append(image_job(first, NOW, 2).job_id)
    assert len(set(ids)) == 4


def test_a_job_of_other_bytes_is_outdated_also_when_an_older_release_named_it_by_half_a_digest(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    enter_image(ledger)
    with ledger.transaction() as tx:
        image = tx.instances.get(IMAGE_UID)
        (job,) = tx.jobs.of_study(image.study_instance_uid)
    other = "f" * len(image.digest)
    named = {end: replace(job, job_id=f"image:{IMAGE_UID}:{end}") for end in (image.digest, image.digest[:16], other)}
    assert [is_outdated(one, image) for one in named.values()] == [False, False, True]
    assert not is_outdated(replace(job, job_id=f"image:{IMAGE_UID}:{image.digest[:16]}:2"), image)
    assert is_outdated(replace(job, job_id=f"image:{IMAGE_UID}:{image.digest[:16]}{other[16:]}"), image)
