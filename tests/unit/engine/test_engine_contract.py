"""What every work engine does, over every database that it runs on: due jobs run once, when they are due, not too many
at a time; those of dead workers are found again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from converter.image.priority import HIGH, LOW, ROUTINE, STAT
from scp_node.engine.jobs import JobQueue
from scp_node.engine.port import Engine, Limit
from scp_node.engine.running_jobs import EXTENSIONS
from scp_node.intake.image_jobs import IMAGES_QUEUE, image_job
from scp_node.ledger import JobRow, Ledger
from scp_node.ledger import tables as t
from scp_node.ledger.records import now_utc
from scp_node.settings import Workers
from tests.support.ledger.databases import ledgers_in
from tests.support.ledger.engines import HeldWork, engine_over, wake
from tests.support.ledger.ledgers import received
from tests.support.ledger.work import enter_image, hold, job_of, state
from tests.support.waiting import until

JOBS = JobQueue()
MINE, THEIRS = "my-worker", "their-worker"
TWO = {IMAGES_QUEUE: Limit(2)}
# Longer than two looks of any engine.
A_WHILE_S = 0.6


@pytest.fixture(params=["embedded on sqlite", "embedded on postgresql", "procrastinate on postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each engine, over each database that it runs on: what `ledger` is opened for."""
    kind, where = request.param.split(" on ")
    if where == "sqlite":
        yield where
        return
    with ledgers_in(request.getfixturevalue("postgresql"), tickets=kind == "procrastinate"):
        yield where


@pytest.fixture
def engine(ledger: Ledger, tmp_path: Path) -> Iterator[Engine]:
    with engine_over(ledger, tmp_path, MINE) as one:
        yield one


@pytest.fixture
def gate(ledger: Ledger, engine: Engine) -> Iterator[HeldWork]:
    """Opened at the end, before the engine stops."""
    one = HeldWork(ledger)
    yield one
    one.open()


@pytest.fixture
def work(gate: HeldWork) -> HeldWork:
    """Work that is done at once."""
    gate.open()
    return gate


def is_done(ledger: Ledger, *job_ids: str) -> bool:
    return all(state(ledger, job_id) == "done" for job_id in job_ids)


def test_what_was_there_before_the_worker_is_run_once(ledger: Ledger, engine: Engine, work: HeldWork) -> None:
    job_ids = [enter_image(ledger, number) for number in range(1, 8)]
    engine.work(TWO, work.start)
    until(lambda: is_done(ledger, *job_ids))
    time.sleep(A_WHILE_S)
    assert sorted(work.ran) == sorted(job_ids)


def test_what_comes_later_is_run_too(ledger: Ledger, engine: Engine, work: HeldWork, tmp_path: Path) -> None:
    engine.work(TWO, work.start)
    for number in range(1, 4):
        job_id = enter_image(ledger, number)
        wake(tmp_path, MINE)
        until(partial(is_done, ledger, job_id))
    assert len(work.ran) == 3


def test_what_was_rolled_back_is_not_run(ledger: Ledger, engine: Engine, work: HeldWork) -> None:
    engine.work(TWO, work.start)
    with pytest.raises(RuntimeError), ledger.transaction() as tx:
        tx.instances.add(received())
        JOBS.put(tx, image_job(received(), now_utc()))
        raise RuntimeError
    time.sleep(A_WHILE_S)
    assert work.ran == []


def test_a_job_is_not_run_before_its_time(ledger: Ledger, engine: Engine, work: HeldWork) -> None:
    due_at = now_utc() + timedelta(seconds=1.5)
    job_id = enter_image(ledger, due_at=due_at)
    engine.work(TWO, work.start)
    assert work.wait_for(1)
    assert now_utc() >= due_at and work.ran == [job_id]


@pytest.mark.parametrize(("before_s", "after_s"), [(60, 0.5), (0.5, 60)], ids=["earlier", "later"])
def test_a_job_that_gets_another_time_is_run_at_that_one(
    ledger: Ledger, engine: Engine, work: HeldWork, before_s: float, after_s: float
) -> None:
    job_id = enter_image(ledger, due_at=now_utc() + timedelta(seconds=before_s))
    with ledger.transaction() as tx:
        JOBS.move(tx, job_of(ledger, job_id), now_utc() + timedelta(seconds=after_s))
    engine.work(TWO, work.start)
    assert work.wait_for(1, 1.5 if after_s > 1 else 30) == (after_s < 1)


def test_a_queue_that_is_held_rests_and_goes_on_when_it_is_released(
    ledger: Ledger, engine: Engine, work: HeldWork
) -> None:
    job_ids = [enter_image(ledger, number, now_utc() + timedelta(seconds=A_WHILE_S / 2)) for number in (1, 2, 3)]
    with ledger.transaction() as tx:
        assert tx.held_queues.hold(IMAGES_QUEUE, now_utc() + timedelta(hours=1), "away") == 3
    engine.work(TWO, work.start)
    time.sleep(2 * A_WHILE_S)
    assert work.ran == []
    with ledger.transaction() as tx:
        assert tx.held_queues.release(IMAGES_QUEUE) == 3
    until(lambda: is_done(ledger, *job_ids))
    assert sorted(work.ran) == sorted(job_ids)


ONE = {IMAGES_QUEUE: Limit(1)}


def test_what_is_more_urgent_overtakes_a_backlog(ledger: Ledger, engine: Engine, work: HeldWork) -> None:
    waiting = [(LOW, 1), (ROUTINE, 2), (ROUTINE, 3), (HIGH, 4), (STAT, 5), (LOW, 6), (STAT, 7), (HIGH, 8), (ROUTINE, 9)]
    began = now_utc() - timedelta(minutes=5)
    job_ids = {
        number: enter_image(ledger, number, began + timedelta(seconds=2 * number), rank) for rank, number in waiting
    }
    engine.work(ONE, work.start)
    until(lambda: is_done(ledger, *job_ids.values()))
    assert work.ran == [job_ids[number] for _, number in sorted(waiting)]


@pytest.mark.parametrize(("ahead_s", "rank"), [(43200, STAT), (7200, HIGH), (-7200, LOW)], ids=["stat", "high", "low"])
def test_what_has_waited_long_enough_goes_before_what_is_more_urgent(
    ledger: Ledger, engine: Engine, work: HeldWork, ahead_s: float, rank: int
) -> None:
    """Each way by ten seconds: the order is by time, with head starts, and by nothing else."""
    moment = now_utc() - timedelta(hours=3)
    one = enter_image(ledger, 1, moment, rank)
    younger = enter_image(ledger, 2, moment - timedelta(seconds=ahead_s - 10))
    older = enter_image(ledger, 3, moment - timedelta(seconds=ahead_s + 10))
    engine.work(ONE, work.start)
    until(lambda: is_done(ledger, one, younger, older))
    assert work.ran == [older, one, younger]


def test_a_job_that_becomes_more_urgent_while_it_waits_goes_first(
    ledger: Ledger, engine: Engine, work: HeldWork
) -> None:
    moment = now_utc() - timedelta(seconds=30)
    job_ids = [enter_image(ledger, number, moment + timedelta(seconds=2 * number)) for number in (1, 2, 3)]
    with ledger.transaction() as tx:
        JOBS.move(tx, job_of(ledger, job_ids[2]), moment, STAT)
    engine.work(ONE, work.start)
    until(lambda: is_done(ledger, *job_ids))
    assert work.ran == [job_ids[2], *job_ids[:2]]


def test_a_job_that_failed_stays_as_urgent_as_it_was(ledger: Ledger, engine: Engine) -> None:
    ran: list[str] = []

    def start(job: JobRow) -> None:
        ran.append(job.job_id)
        with ledger.transaction() as tx:
            if len(ran) == 1:
                JOBS.again(tx, job, now_utc(), "not now")
            else:
                JOBS.finish(tx, job)

    urgent = enter_image(ledger, 1, priority=STAT)
    others = [enter_image(ledger, number, now_utc() - timedelta(seconds=9 - number)) for number in (2, 3)]
    engine.work(ONE, start)
    until(lambda: is_done(ledger, urgent, *others))
    assert ran == [urgent, urgent, *others]


def test_a_job_that_is_urgent_is_not_run_before_its_time_and_holds_nothing_up(
    ledger: Ledger, engine: Engine, work: HeldWork
) -> None:
    for number in range(1, 6):
        enter_image(ledger, number, now_utc() + timedelta(hours=1), STAT)
    job_id = enter_image(ledger, 6, priority=LOW)
    engine.work(ONE, work.start)
    until(lambda: is_done(ledger, job_id))
    assert work.ran == [job_id]


def test_a_job_that_failed_or_came_too_early_is_run_again(ledger: Ledger, engine: Engine) -> None:
    seen: list[tuple[int, str]] = []

    def start(job: JobRow) -> None:
        seen.append((job.attempt, job.state))
        with ledger.transaction() as tx:
            if len(seen) == 1:
                JOBS.again(tx, job, now_utc() + timedelta(seconds=0.3), "not now")
            elif len(seen) == 2:
                JOBS.postpone(tx, job, now_utc())
            else:
                JOBS.finish(tx, job)

    job_id = enter_image(ledger)
    engine.work(TWO, start)
    until(lambda: is_done(ledger, job_id))
    assert seen == [(1, "running"), (2, "running"), (3, "running")]


def test_a_job_that_need_not_be_done_any_more_is_not_run(ledger: Ledger, engine: Engine, work: HeldWork) -> None:
    job_id = enter_image(ledger)
    with ledger.transaction() as tx:
        JOBS.drop(tx, job_id)
    engine.work(TWO, work.start)
    time.sleep(A_WHILE_S)
    assert work.ran == []


def test_a_job_that_was_done_is_run_again_when_it_is_reopened(ledger: Ledger, engine: Engine, work: HeldWork) -> None:
    job_id = enter_image(ledger)
    engine.work(TWO, work.start)
    until(lambda: is_done(ledger, job_id))
    with ledger.transaction() as tx:
        JOBS.reopen(tx, job_id, now_utc(), "did not last")
    assert work.wait_for(2)


def test_no_more_jobs_of_a_queue_run_than_it_has_places(ledger: Ledger, engine: Engine, gate: HeldWork) -> None:
    for number in range(1, 8):
        enter_image(ledger, number)
    engine.work({IMAGES_QUEUE: Limit(3)}, gate.start)
    assert gate.wait_for(3) and not gate.wait_for(4, A_WHILE_S)
    gate.open()
    assert gate.wait_for(7) and gate.most == 3


def test_no_more_jobs_of_a_queue_run_in_all_workers_than_it_has_places_there(
    ledger: Ledger, engine: Engine, gate: HeldWork, tmp_path: Path
) -> None:
    job_ids = [enter_image(ledger, number) for number in range(1, 13)]
    queues = {IMAGES_QUEUE: Limit(3, everywhere=3)}
    with engine_over(ledger, tmp_path, THEIRS) as other:
        engine.work(queues, gate.start)
        other.work(queues, gate.start)
        assert gate.wait_for(3) and not gate.wait_for(4, A_WHILE_S)
        gate.open()
        until(lambda: is_done(ledger, *job_ids))
    assert gate.most == 3 and len(gate.ran) == 12


def test_a_worker_goes_by_the_queues_that_it_was_told_last(ledger: Ledger, engine: Engine, gate: HeldWork) -> None:
    job_ids = [enter_image(ledger, number) for number in range(1, 5)]
    engine.work({}, gate.start)
    assert not gate.wait_for(1, A_WHILE_S)
    engine.work({IMAGES_QUEUE: Limit(1)}, gate.start)
    assert gate.wait_for(1) and not gate.wait_for(2, A_WHILE_S)
    gate.open()
    until(lambda: is_done(ledger, *job_ids))


def test_a_worker_that_stops_ends_what_it_has_begun_and_begins_nothing(
    ledger: Ledger, gate: HeldWork, tmp_path: Path
) -> None:
    job_ids = [enter_image(ledger, number) for number in (1, 2)]
    with engine_over(ledger, tmp_path, THEIRS) as engine:
        engine.work({IMAGES_QUEUE: Limit(1)}, gate.start)
        assert gate.wait_for(1)
        gate.open_after(A_WHILE_S)
        engine.stop(20)
    assert sorted(state(ledger, job_id) for job_id in job_ids) == ["done", "queued"]


def test_a_worker_waits_no_longer_for_its_jobs_than_it_is_told(ledger: Ledger, gate: HeldWork, tmp_path: Path) -> None:
    enter_image(ledger)
    with engine_over(ledger, tmp_path, THEIRS) as engine:
        engine.work(TWO, gate.start)
        assert gate.wait_for(1)
        began = time.monotonic()
        engine.stop(0.5)
        assert 0.5 <= time.monotonic() - began < 5


def test_what_a_worker_held_is_run_at_its_next_start(ledger: Ledger, engine: Engine, work: HeldWork) -> None:
    job_id = enter_image(ledger)
    hold(ledger, job_id, MINE)
    engine.work(TWO, work.start)
    until(lambda: is_done(ledger, job_id))


@pytest.mark.parametrize(("lease_s", "is_freed"), [(-1, True), (60, False)], ids=["dead", "alive"])
def test_what_another_worker_holds_is_taken_over_when_its_lease_has_ended(
    ledger: Ledger, engine: Engine, lease_s: float, is_freed: bool
) -> None:
    job_id = enter_image(ledger)
    hold(ledger, job_id, THEIRS, timedelta(seconds=lease_s))
    assert engine.recover() == ([job_id] if is_freed else [])
    assert state(ledger, job_id) == ("queued" if is_freed else "running")


def test_a_worker_at_work_takes_over_what_a_dead_host_held(ledger: Ledger, work: HeldWork, tmp_path: Path) -> None:
    """Whoever goes first: one host looks for the jobs of all."""
    job_id = enter_image(ledger)
    hold(ledger, job_id, "another-host", timedelta(seconds=1))
    with engine_over(ledger, tmp_path, THEIRS, lease_s=1) as engine:
        engine.work(TWO, work.start)
        until(lambda: is_done(ledger, job_id))
    assert work.ran == [job_id]


def test_a_dead_host_is_taken_over_from_within_a_minute() -> None:
    lease_s = Workers().lease_s
    assert lease_s + lease_s / EXTENSIONS <= 40


def test_a_worker_that_lives_keeps_its_job_for_longer_than_a_lease(
    ledger: Ledger, gate: HeldWork, tmp_path: Path
) -> None:
    job_id = enter_image(ledger)
    with engine_over(ledger, tmp_path, THEIRS, lease_s=1) as one, engine_over(ledger, tmp_path, "third") as another:
        one.work(TWO, gate.start)
        assert gate.wait_for(1)
        time.sleep(1.8)
        assert another.recover() == []
        gate.open()
        until(lambda: is_done(ledger, job_id))
    assert gate.ran == [job_id]


def test_work_that_raises_ends_the_attempt_and_not_the_worker(ledger: Ledger, engine: Engine) -> None:
    raised: list[str] = []

    def start(job: JobRow) -> None:
        if not raised:
            raised.append(job.job_id)
            raise RuntimeError("invented")
        with ledger.transaction() as tx:
            JOBS.finish(tx, job)

    job_ids = [enter_image(ledger, number) for number in (1, 2)]
    engine.work({IMAGES_QUEUE: Limit(1)}, start)
    until(lambda: [job_id for job_id in job_ids if job_id not in raised and is_done(ledger, job_id)] != [])
    assert state(ledger, raised[0]) == "running"
    assert engine.recover() == raised
    until(lambda: is_done(ledger, *job_ids))


def test_a_job_of_which_the_engine_was_not_told_is_found(ledger: Ledger, engine: Engine, work: HeldWork) -> None:
    """As it comes from a backup, from another kind of engine, or from a hand."""
    engine.work(TWO, work.start)
    with ledger.transaction() as tx:
        tx.instances.add(received())
        tx.jobs.add(image_job(received(), now_utc()))
    engine.recover()
    assert work.wait_for(1)


def test_nothing_is_started_while_what_goes_before_is_due(ledger: Ledger, gate: HeldWork, tmp_path: Path) -> None:
    first, second = enter_image(ledger, 1), enter_image(ledger, 2)
    with ledger.transaction() as tx:
        tx.connection.execute(sa.update(t.job).where(t.job.c.job_id == first).values(queue="before"))
    gate.open()
    with engine_over(ledger, tmp_path, THEIRS, after="before") as engine:
        engine.work(TWO, gate.start)
        assert not gate.wait_for(1, A_WHILE_S)
        with ledger.transaction() as tx:
            JOBS.drop(tx, first)
        assert gate.wait_for(1) and gate.ran == [second]
