"""Jobs and deliveries are listed by what is asked for, at most as many as are asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scp_node.errors import NothingFound
from scp_node.ledger import Ledger
from scp_node.queries.deliveries import DeliveryFilter, is_destination, list_deliveries
from scp_node.queries.document import document_of
from scp_node.queries.jobs import JobFilter, causes_of, job_details, job_document, job_ids, list_jobs
from tests.support.ledger.ledgers import new_ledger
from tests.unit.queries.cases import NOON, enter_job

JOB_CONTRACT = {"job_id", "kind", "state", "attempt", "due_at", "error", "study_instance_uid"}
DELIVERY_CONTRACT = {"result_uid", "study_instance_uid", "destination", "state", "attempts", "detail"}


def test_jobs_that_are_not_done_are_listed_oldest_first_and_counted(ledger: Ledger) -> None:
    with ledger.reading() as tx:
        found = list_jobs(tx, JobFilter(), 10)
    assert [(job.job_id, job.state) for job in found.jobs] == [
        ("delivery:2", "waiting"),
        ("delivery:3", "dead"),
        ("image:1.2.3.3.1", "queued"),
    ]
    assert found.counts == {
        ("delivery", "waiting"): 1,
        ("delivery", "dead"): 1,
        ("image", "queued"): 1,
    }
    assert set(vars(found.jobs[0])) >= JOB_CONTRACT


@pytest.mark.parametrize(
    ("wanted", "limit", "expected"),
    [
        (JobFilter(("dead",)), 10, ["delivery:3"]),
        (JobFilter(("done",), "delivery"), 10, ["delivery:1"]),
        (JobFilter(kind="image"), 10, ["image:1.2.3.3.1"]),
        (JobFilter(kind="study"), 10, []),
        (JobFilter(destination="pacs"), 10, ["delivery:2"]),
        (JobFilter(destination="viewer"), 10, ["delivery:3"]),
        (JobFilter(destination="pacs-2"), 10, []),
        (JobFilter(study_instance_uid="1.2.3.3"), 10, ["image:1.2.3.3.1"]),
        (JobFilter(("done",)), 1, ["image:1.2.3.2.1"]),  # of what is done, the last
        (JobFilter(("done",)), 2, ["delivery:1", "image:1.2.3.2.1"]),
        (JobFilter(), 1, ["delivery:2"]),
        (JobFilter(kind="delivery"), 1, ["delivery:2"]),
    ],
)
def test_jobs_are_listed_by_state_and_kind_up_to_a_limit(
    ledger: Ledger, wanted: JobFilter, limit: int, expected: list[str]
) -> None:
    with ledger.reading() as tx:
        found = list_jobs(tx, wanted, limit).jobs
        assert [job.job_id for job in found] == expected
        if "done" not in wanted.states:
            assert list(job_ids(tx, wanted, limit)) == expected
    for job in found:
        assert set(job_document(job)) >= {*JOB_CONTRACT, "destination"}
        assert job_document(job)["destination"] in (wanted.destination or "pacs", "viewer", None)


def test_one_job_is_told_with_the_number_of_events_of_its_study(ledger: Ledger) -> None:
    with ledger.reading() as tx:
        details = job_details(tx, "delivery:3")
        with pytest.raises(NothingFound, match="there is no job delivery:9"):
            job_details(tx, "delivery:9")
    assert (details.job.state, details.job.study_instance_uid, details.events) == ("dead", "1.2.3.1", 3)


def test_deliveries_are_listed_newest_first_with_their_study(ledger: Ledger) -> None:
    with ledger.reading() as tx:
        found = list_deliveries(tx, DeliveryFilter(), 10)
    assert [(one.result_uid, one.kind, one.destination, one.state) for one in found] == [
        ("1.2.9.1", "sr", "viewer", "dead"),
        ("1.2.9.2", "heatmap", "pacs", "queued"),
        ("1.2.9.1", "sr", "pacs", "committed"),
    ]
    assert {one.study_instance_uid for one in found} == {"1.2.3.1"}
    assert found[0].status == 0xA900 and found[0].detail == "refused for good"
    assert set(document_of(found[0])) >= DELIVERY_CONTRACT


@pytest.mark.parametrize(
    ("wanted", "limit", "expected"),
    [
        (DeliveryFilter(states=("dead", "queued")), 10, ["dead", "queued"]),
        (DeliveryFilter(destination="pacs"), 10, ["queued", "committed"]),
        (DeliveryFilter(study_instance_uid="1.2.3.2"), 10, []),
        (DeliveryFilter(), 1, ["dead"]),
        (DeliveryFilter(created_from=NOON), 10, ["dead", "queued", "committed"]),
        (DeliveryFilter(created_from=datetime(2200, 1, 1, tzinfo=UTC)), 10, []),
    ],
)
def test_deliveries_are_listed_by_state_destination_and_study_up_to_a_limit(
    ledger: Ledger, wanted: DeliveryFilter, limit: int, expected: list[str]
) -> None:
    with ledger.reading() as tx:
        assert [one.state for one in list_deliveries(tx, wanted, limit)] == expected


def test_jobs_are_counted_by_the_reason_why_they_wait_the_commonest_first(tmp_path: Path) -> None:
    many = new_ledger(tmp_path)
    with many.transaction() as tx:
        for number in range(5):
            due_at = NOON + timedelta(minutes=number)
            enter_job(tx, f"delivery:{number}", "delivery", str(number), "1.2.3", "deliver-pacs", due_at)
            tx.jobs.update(f"delivery:{number}", state="waiting", error="refused" if number else "no way")
    with many.reading() as tx:
        found = causes_of(tx, JobFilter(), 10)
        assert causes_of(tx, JobFilter(), 1) == found[:1] and causes_of(tx, JobFilter(destination="b"), 10) == ()
    many.engine.dispose()
    assert [(one.queue, one.state, one.error, one.jobs) for one in found] == [
        ("deliver-pacs", "waiting", "refused", 4),
        ("deliver-pacs", "waiting", "no way", 1),
    ]
    assert found[0].due_at == NOON + timedelta(minutes=1)


def test_a_destination_is_known_by_what_was_to_go_there(ledger: Ledger) -> None:
    with ledger.reading() as tx:
        assert is_destination(tx, "viewer") and not is_destination(tx, "view")
