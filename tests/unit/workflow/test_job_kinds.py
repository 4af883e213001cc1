"""Jobs are found again by their names, and stand in the queue of what they wait for."""

from __future__ import annotations

from scp_node.ledger import NewJob
from scp_node.ledger.records import DeliveryRow, now_utc
from scp_node.workflow.job_kinds import commitment_job, delivery_job, study_job

NOW = now_utc()
STUDY = "1.2.3.1"


def delivery(destination: str) -> DeliveryRow:
    return DeliveryRow(7, "2.25.1", destination, "queued", 0, NOW, None, None, None, "")


def test_a_study_has_jobs_for_each_route_one_after_the_other() -> None:
    one = study_job(STUDY, "chest", 0, NOW)
    assert one == NewJob(f"study:chest:{STUDY}:1", "study", "chest", STUDY, "studies", NOW)
    others = study_job(STUDY, "chest", 1, NOW), study_job(STUDY, "bedside", 0, NOW)
    assert len({one.job_id, *(other.job_id for other in others)}) == 3


def test_each_destination_is_waited_for_in_queues_of_its_own() -> None:
    jobs = [
        job
        for name in ("pacs", "backup")
        for job in (delivery_job(delivery(name), STUDY, NOW), commitment_job(delivery(name), 1, STUDY, NOW))
    ]
    assert len({job.queue for job in jobs}) == 4
    assert {job.subject for job in jobs} == {"7"}


def test_a_delivery_is_one_job_and_each_attempt_is_asked_about_by_another() -> None:
    assert delivery_job(delivery("pacs"), STUDY, NOW).job_id == "delivery:7"
    ids = [commitment_job(delivery("pacs"), attempts, STUDY, NOW).job_id for attempts in (1, 2)]
    assert ids == ["commitment:7:1", "commitment:7:2"]
