"""Two processes that decide at the same moment: one after the other, whichever database the ledger is in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from scp_node.engine.jobs import JobQueue
from scp_node.intake.received_instances import ReceivedInstances
from scp_node.ledger import AddOutcome, JobRow, Ledger, ReceivedInstance, jobs
from scp_node.ledger.database import open_database
from scp_node.ledger.records import now_utc
from tests.support.ledger.databases import ledger_url
from tests.support.ledger.ledgers import received
from tests.support.ledger.work import enter_image, hold

T = TypeVar("T")
ROUNDS = 12


@pytest.fixture
def other(ledger: Ledger, tmp_path: Path) -> Iterator[Ledger]:
    """The same ledger as another process has it."""
    one = Ledger(open_database(ledger_url(tmp_path)))
    yield one
    one.engine.dispose()


def at_once(*acts: Callable[[], T]) -> list[T]:
    """What each of these came to; they begin together."""
    ready = threading.Barrier(len(acts))

    def begun(act: Callable[[], T]) -> T:
        ready.wait(20)
        return act()

    with ThreadPoolExecutor(len(acts)) as threads:
        return [future.result(60) for future in [threads.submit(begun, act) for act in acts]]


def entered(ledger: Ledger, *records: ReceivedInstance) -> Callable[[], list[AddOutcome]]:
    return lambda: ReceivedInstances(ledger, JobQueue(), lambda: True).enter(records)


def test_of_two_contents_under_one_uid_the_first_is_kept_and_the_other_refused(ledger: Ledger, other: Ledger) -> None:
    for number in range(1, ROUNDS):
        one, two = received(number), received(number, digest=f"{number:032x}")
        outcomes = at_once(entered(ledger, one), entered(other, two))
        assert sorted(outcomes) == [["added"], ["conflict"]]
        with ledger.reading() as tx:
            kept = tx.instances.get(one.sop_instance_uid).digest
        assert kept == (one if outcomes[0] == ["added"] else two).digest


def test_the_same_bytes_twice_are_added_once(ledger: Ledger, other: Ledger) -> None:
    for number in range(1, ROUNDS):
        one = received(number)
        assert sorted(at_once(entered(ledger, one), entered(other, one))) == [["added"], ["identical"]]


def test_receivers_that_enter_the_same_studies_in_opposite_order_do_not_wait_for_each_other(
    ledger: Ledger, other: Ledger
) -> None:
    for number in range(1, ROUNDS):
        there = [received(2 * number, study) for study in range(1, 20)]
        back = [received(2 * number + 1, study) for study in range(19, 0, -1)]
        assert at_once(entered(ledger, *there), entered(other, *back)) == [["added"] * 19, ["added"] * 19]


def test_workers_that_look_at_once_claim_different_jobs(ledger: Ledger, other: Ledger) -> None:
    for number in range(1, 9):
        enter_image(ledger, number)
    together = threading.Barrier(2)

    def claim(one: Ledger, worker: str) -> list[JobRow | None]:
        with one.transaction() as tx:
            moment = tx.jobs.moment()
            due = tx.jobs.due("images", 4, moment)
            if one.engine.dialect.name != "sqlite":  # where one writes after the other, there is nothing to pass over
                together.wait(20)
            return [tx.jobs.claim(job, worker, moment + timedelta(minutes=1)) for job in due]

    first, second = at_once(lambda: claim(ledger, "a"), lambda: claim(other, "b"))
    claimed = [job.job_id for job in (*first, *second) if job is not None]
    assert len(claimed) == len(set(claimed)) == 8


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_host_whose_clock_is_ahead_frees_no_job_that_runs(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = enter_image(ledger)
    hold(ledger, job_id, "another host", timedelta(minutes=1))

    def ahead() -> datetime:
        return now_utc() + timedelta(minutes=5)

    monkeypatch.setattr(jobs, "now_utc", ahead)
    with ledger.transaction() as tx:
        assert not tx.jobs.is_any_lost() and tx.jobs.release("this host", []) == []
        assert abs(tx.jobs.moment() - now_utc()) < timedelta(minutes=1)


def test_who_decides_about_a_study_waits_for_whoever_does(ledger: Ledger, other: Ledger) -> None:
    """And sees what that one has decided, while another study is free."""
    order: list[str] = []
    holding, seen = threading.Event(), received(1)

    def first() -> None:
        with ledger.transaction(seen.study_instance_uid) as tx:
            holding.set()
            tx.instances.add(seen)
            threading.Event().wait(0.3)
            order.append("first")

    def second() -> None:
        assert holding.wait(20)
        with other.transaction("1.2.9", seen.study_instance_uid) as tx:
            order.append("second")
            assert tx.instances.outcome_if_known(replace(seen)) == "identical"

    at_once(first, second)
    assert order == ["first", "second"]
