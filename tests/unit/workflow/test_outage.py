"""A destination that is away is tried by one delivery at a time; when it is back all go, the oldest first."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scp_node.deliver.outcomes import FAULTS, NO_CONNECTION, Verdict, not_sent
from scp_node.engine.jobs import JobQueue
from scp_node.ledger import Ledger, NewJob
from scp_node.ledger.records import now_utc
from scp_node.workflow.job_kinds import delivery_queue
from scp_node.workflow.outage import note_failure, note_reached
from tests.support.ledger.work import enter_image

AWAY = not_sent("connection-refused", who="pacs")
COUNT = 5


@pytest.fixture
def waiting(empty_ledger: Ledger) -> Ledger:
    """COUNT deliveries to each of two destinations, entered one after the other and due in another order."""
    enter_image(empty_ledger)
    for number in range(COUNT):
        for name in ("pacs", "other"):
            due_at = now_utc() - timedelta(seconds=number)
            new = NewJob(f"delivery:{name}{number}", "delivery", str(number), "1.2.3.1", delivery_queue(name), due_at)
            with empty_ledger.transaction() as tx:
                JobQueue().put(tx, new)
    return empty_ledger


def due(ledger: Ledger, name: str) -> list[str]:
    """What a worker would be given now, in order."""
    with ledger.reading() as tx:
        return [job.job_id for job in tx.jobs.due(delivery_queue(name), 100, now_utc())]


def names(destination: str, *numbers: int) -> list[str]:
    return [f"delivery:{destination}{number}" for number in numbers]


def test_nothing_is_tried_until_the_one_that_failed_is(waiting: Ledger) -> None:
    next_at = now_utc() + timedelta(seconds=60)
    with waiting.transaction() as tx:
        note_failure(tx, "pacs", AWAY, next_at)
        held = tx.jobs.pending(delivery_queue("pacs"), 100)
    assert {(job.due_at, job.state, job.error) for job in held} == {(next_at, "waiting", AWAY.message)}
    assert {job.attempt for job in held} == {1}, "nothing was attempted"
    assert due(waiting, "pacs") == [] and due(waiting, "other") == names("other", 4, 3, 2, 1, 0)


def test_when_it_is_back_all_go_as_they_were_entered(waiting: Ledger) -> None:
    with waiting.transaction() as tx:
        note_failure(tx, "pacs", AWAY, now_utc() + timedelta(hours=1))
    with waiting.transaction() as tx:
        note_reached(tx, "pacs")
    assert due(waiting, "pacs") == names("pacs", 0, 1, 2, 3, 4)
    assert due(waiting, "other") == names("other", 4, 3, 2, 1, 0)


def test_what_comes_meanwhile_is_tried_and_holds_nobody_back_for_less(waiting: Ledger) -> None:
    late, soon = now_utc() + timedelta(minutes=10), now_utc() + timedelta(seconds=5)
    with waiting.transaction() as tx:
        note_failure(tx, "pacs", AWAY, late)
        note_failure(tx, "pacs", AWAY, soon)
        assert {job.due_at for job in tx.jobs.pending(delivery_queue("pacs"), 100)} == {late}


def test_without_an_outage_nothing_is_moved(waiting: Ledger) -> None:
    before = due(waiting, "pacs")
    with waiting.transaction() as tx:
        note_reached(tx, "pacs")
    assert due(waiting, "pacs") == before


@pytest.mark.parametrize("code", [code for code, row in FAULTS.items() if row.verdict is Verdict.RETRY])
def test_others_wait_only_where_no_connection_came_about(waiting: Ledger, code: str) -> None:
    """What an archive does when it has seen an object may be about that object."""
    with waiting.transaction() as tx:
        note_failure(tx, "pacs", not_sent(code, who="pacs"), now_utc() + timedelta(hours=1))
    assert (due(waiting, "pacs") == []) is (code in NO_CONNECTION)


def test_what_holds_others_back_may_pass() -> None:
    assert all(FAULTS[code].verdict is Verdict.RETRY for code in NO_CONNECTION)
    assert not NO_CONNECTION & {"aborted", "connection-lost", "send-timeout", "response-timeout", "protocol-error"}
