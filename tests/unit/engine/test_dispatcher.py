"""Due jobs run once, when they are due, not too many at a time; those of dead workers are found again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from scp_node.engine.dispatcher import EXTENSIONS, Dispatcher
from scp_node.engine.jobs import JobQueue
from scp_node.engine.retry import retry_table
from scp_node.engine.runner import JobRunner, JobWork
from scp_node.engine.wakeup import Waker, WakeUps
from scp_node.intake.image_jobs import IMAGES_QUEUE
from scp_node.ledger import JobRow, Ledger, Transaction
from scp_node.ledger.records import now_utc
from scp_node.settings import Delivery, Workers
from tests.support.ledger.work import RecordedWork, default_retries, enter_image, hold, state

WAIT_S = 30
WORKER = "test-host-worker"


@contextmanager
def dispatching(
    ledger: Ledger, folder: Path, runner: JobRunner, concurrency: int = 2, poll_s: float = 30.0, **workers: float
) -> Iterator[Dispatcher]:
    """A dispatcher whose polling is too rare to be of any help."""
    retries = retry_table(Workers.model_validate(workers), Delivery())
    wakeups = WakeUps(folder / "wakeup")
    dispatcher = Dispatcher(ledger, WORKER, runner, wakeups, lambda: retries, poll_s)
    dispatcher.start({IMAGES_QUEUE: concurrency})
    try:
        yield dispatcher
    finally:
        dispatcher.stop(5)
        wakeups.close()


def test_a_queued_job_runs_once_in_a_worker(ledger: Ledger, tmp_path: Path) -> None:
    work, job_id = RecordedWork(ledger), enter_image(ledger)
    with dispatching(ledger, tmp_path, work.runner()):
        assert work.finished.wait(WAIT_S)
    assert work.ran == [job_id] and state(ledger, job_id) == "done"


def test_a_job_that_comes_later_wakes_the_worker(ledger: Ledger, tmp_path: Path) -> None:
    work = RecordedWork(ledger)
    with dispatching(ledger, tmp_path, work.runner()), closing(Waker(tmp_path / "wakeup")) as waker:
        job_id = enter_image(ledger)
        waker.wake()
        assert work.finished.wait(WAIT_S)
    assert work.ran == [job_id]


def test_a_job_with_a_time_is_run_at_that_time_without_polling(ledger: Ledger, tmp_path: Path) -> None:
    work, job_id = RecordedWork(ledger), enter_image(ledger)
    due_at = now_utc() + timedelta(seconds=0.3)
    with ledger.transaction() as tx:
        tx.jobs.update(job_id, due_at=due_at)
    with dispatching(ledger, tmp_path, work.runner()):
        assert work.finished.wait(WAIT_S)
    assert now_utc() >= due_at


def test_work_without_a_wake_up_is_found_by_polling(ledger: Ledger, tmp_path: Path) -> None:
    work = RecordedWork(ledger)
    with dispatching(ledger, tmp_path, work.runner(), poll_s=0.05):
        enter_image(ledger)
        assert work.finished.wait(WAIT_S)


def test_no_more_jobs_of_a_queue_run_than_it_has_places(ledger: Ledger, tmp_path: Path) -> None:
    jobs, running, most, lock, done = JobQueue(), 0, 0, threading.Lock(), threading.Semaphore(0)

    def work(job: JobRow) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1
        with ledger.transaction() as tx:
            jobs.finish(tx, job)
        done.release()

    for number in range(1, 21):
        enter_image(ledger, number)
    runner = JobRunner(ledger, jobs, {"image": JobWork(work, lambda *_: None)}, default_retries)
    with dispatching(ledger, tmp_path, runner, concurrency=3):
        assert all(done.acquire(timeout=WAIT_S) for _ in range(20))
    assert most == 3
    with ledger.reading() as tx:
        assert tx.jobs.count() == {("image", "done"): 20}


def test_what_a_dead_worker_held_is_run_at_its_next_start(ledger: Ledger, tmp_path: Path) -> None:
    work, job_id = RecordedWork(ledger), enter_image(ledger)
    hold(ledger, job_id, WORKER)
    with dispatching(ledger, tmp_path, work.runner()):
        assert work.finished.wait(WAIT_S)
    assert work.ran == [job_id]


@pytest.mark.parametrize(("lease", "released"), [(timedelta(seconds=-1), 1), (timedelta(minutes=1), 0)])
def test_a_job_of_another_worker_is_taken_over_when_its_lease_has_ended(
    ledger: Ledger, tmp_path: Path, lease: timedelta, released: int
) -> None:
    hold(ledger, enter_image(ledger), "another-host", lease)
    with closing(WakeUps(tmp_path / "wakeup")) as wakeups:
        dispatcher = Dispatcher(ledger, WORKER, RecordedWork(ledger).runner(), wakeups, default_retries, 1)
        assert dispatcher.release_lost() == released


def test_a_worker_at_work_takes_over_what_a_dead_host_held(ledger: Ledger, tmp_path: Path) -> None:
    """Whoever goes first: one host looks for the jobs of all."""
    work, job_id = RecordedWork(ledger), enter_image(ledger)
    hold(ledger, job_id, "another-host", timedelta(seconds=1))
    with dispatching(ledger, tmp_path, work.runner(), lease_s=1):
        assert work.finished.wait(WAIT_S)
    assert work.ran == [job_id]


def test_a_dead_host_is_taken_over_from_within_a_minute() -> None:
    lease_s = Workers().lease_s
    assert lease_s + lease_s / EXTENSIONS <= 40


def test_a_worker_that_lives_keeps_its_job_for_longer_than_a_lease_however_rarely_it_polls(
    ledger: Ledger, tmp_path: Path
) -> None:
    jobs, begun, may_end = JobQueue(), threading.Event(), threading.Event()

    def work(job: JobRow) -> None:
        begun.set()
        assert may_end.wait(WAIT_S)
        with ledger.transaction() as tx:
            jobs.finish(tx, job)

    job_id = enter_image(ledger)
    runner = JobRunner(ledger, jobs, {"image": JobWork(work, lambda *_: None)}, default_retries)
    with dispatching(ledger, tmp_path, runner, poll_s=30, lease_s=1):
        assert begun.wait(WAIT_S)
        time.sleep(1.5)
        with ledger.transaction() as tx:
            assert tx.jobs.release("another-host", []) == 0
        may_end.set()
    assert state(ledger, job_id) == "done"


def test_a_database_that_cannot_be_read_is_looked_at_again_after_the_time_set(ledger: Ledger, tmp_path: Path) -> None:
    class Unreadable(Ledger):
        looks = 0

        @contextmanager
        def reading(self) -> Iterator[Transaction]:
            self.looks += 1
            if self.looks <= 3:
                raise OperationalError("select", {}, Exception("gone"))
            with super().reading() as tx:
                yield tx

    work, broken = RecordedWork(ledger), Unreadable(ledger.engine)
    enter_image(ledger)
    started = time.monotonic()
    with dispatching(broken, tmp_path, work.runner(), queue_retry_s=0.1):
        assert work.finished.wait(WAIT_S)
    assert broken.looks > 3 and 0.3 <= time.monotonic() - started < 10
