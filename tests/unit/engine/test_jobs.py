"""Jobs: entered with what they are about, run once, tried again, buried, found again when lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scp_node.engine.dispatcher import Dispatcher
from scp_node.engine.jobs import IMAGES_QUEUE, JobQueue
from scp_node.engine.reconciler import Reconciler
from scp_node.engine.runner import JobRunner, JobWork
from scp_node.engine.wakeup import Waker, WakeUps
from scp_node.errors import DataSetMismatch, DeliveryFailed, ModelUnusable, OutOfResources, UsageError
from scp_node.ledger import JobLost, JobRow, Ledger, Transaction
from tests.support.ledger.ledgers import claimed, new_ledger, received

WAIT_S = 30
WORKER = "test-host-worker"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    one = new_ledger(tmp_path)
    yield one
    one.engine.dispose()


@pytest.fixture
def jobs(ledger: Ledger) -> JobQueue:
    return JobQueue(ledger)


class Recorder:
    """Work that does what it is told and remembers what it did."""

    def __init__(self, ledger: Ledger, jobs: JobQueue, raises: list[Exception] | None = None) -> None:
        self.ledger, self.jobs, self.raises = ledger, jobs, list(raises or [])
        self.ran: list[str] = []
        self.died: list[str] = []
        self.finished = threading.Event()

    def work(self, job: JobRow) -> None:
        self.ran.append(job.job_id)
        if self.raises:
            raise self.raises.pop(0)
        with self.ledger.transaction() as tx:
            self.jobs.finish(tx, job)
        self.finished.set()

    def on_dead(self, tx: Transaction, job: JobRow, code: str, reason: str) -> None:
        self.died.append(code)
        self.finished.set()

    @property
    def kinds(self) -> dict[str, JobWork]:
        return {kind: JobWork(self.work, self.on_dead, 3) for kind in ("image", "study", "delivery")}


def enqueue(ledger: Ledger, jobs: JobQueue) -> str:
    with ledger.transaction() as tx:
        tx.instances.add(received())
        jobs.enqueue_image(tx, "1.2.3.1.1", "1.2.3.1", received().digest)
    return f"image:1.2.3.1.1:{received().digest[:16]}"


def held_by(ledger: Ledger, job_id: str, worker: str, lease: timedelta) -> None:
    with ledger.transaction() as tx:
        row = tx.jobs.get(job_id)
        assert row is not None and tx.jobs.claim(row, worker, datetime.now(UTC) + lease) is not None


def state(ledger: Ledger, job_id: str) -> str:
    with ledger.reading() as tx:
        job = tx.jobs.get(job_id)
    assert job is not None
    return job.state


def test_a_rolled_back_instance_leaves_no_job(ledger: Ledger, jobs: JobQueue) -> None:
    with pytest.raises(RuntimeError), ledger.transaction() as tx:
        tx.instances.add(received())
        jobs.enqueue_image(tx, "1.2.3.1.1", "1.2.3.1", received().digest)
        raise RuntimeError
    with ledger.reading() as tx:
        assert tx.jobs.in_states(("queued",), 10) == []


@contextmanager
def dispatching(
    ledger: Ledger, folder: Path, runner: JobRunner, concurrency: int = 2, poll_s: float = 30.0
) -> Iterator[Dispatcher]:
    """A dispatcher whose polling is too rare to be of any help."""
    wakeups = WakeUps(folder / "wakeup")
    dispatcher = Dispatcher(ledger, WORKER, runner, wakeups, poll_s)
    dispatcher.start({IMAGES_QUEUE: concurrency})
    try:
        yield dispatcher
    finally:
        dispatcher.stop(5)
        wakeups.close()


def test_a_queued_job_runs_once_in_a_worker(ledger: Ledger, jobs: JobQueue, tmp_path: Path) -> None:
    recorder = Recorder(ledger, jobs)
    job_id = enqueue(ledger, jobs)
    with dispatching(ledger, tmp_path, JobRunner(ledger, jobs, recorder.kinds, 3)):
        assert recorder.finished.wait(WAIT_S)
    assert recorder.ran == [job_id] and state(ledger, job_id) == "done"


def test_a_job_that_comes_later_wakes_the_worker(ledger: Ledger, jobs: JobQueue, tmp_path: Path) -> None:
    recorder = Recorder(ledger, jobs)
    with (
        dispatching(ledger, tmp_path, JobRunner(ledger, jobs, recorder.kinds, 3)),
        closing(Waker(tmp_path / "wakeup")) as waker,
    ):
        job_id = enqueue(ledger, jobs)
        waker.wake()
        assert recorder.finished.wait(WAIT_S)
    assert recorder.ran == [job_id]


def test_a_job_with_a_time_is_run_at_that_time_without_polling(ledger: Ledger, jobs: JobQueue, tmp_path: Path) -> None:
    recorder = Recorder(ledger, jobs)
    job_id = enqueue(ledger, jobs)
    due_at = datetime.now(UTC) + timedelta(seconds=0.3)
    with ledger.transaction() as tx:
        tx.jobs.update(job_id, due_at=due_at)
    with dispatching(ledger, tmp_path, JobRunner(ledger, jobs, recorder.kinds, 3)):
        assert recorder.finished.wait(WAIT_S)
    assert datetime.now(UTC) >= due_at


def test_work_without_a_wake_up_is_found_by_polling(ledger: Ledger, jobs: JobQueue, tmp_path: Path) -> None:
    recorder = Recorder(ledger, jobs)
    with dispatching(ledger, tmp_path, JobRunner(ledger, jobs, recorder.kinds, 3), poll_s=0.05):
        enqueue(ledger, jobs)
        assert recorder.finished.wait(WAIT_S)


def test_no_more_jobs_of_a_queue_run_than_it_has_places(ledger: Ledger, jobs: JobQueue, tmp_path: Path) -> None:
    running, most, lock, done = 0, 0, threading.Lock(), threading.Semaphore(0)

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

    with ledger.transaction() as tx:
        for number in range(1, 21):
            tx.instances.add(received(number))
            jobs.enqueue_image(tx, f"1.2.3.1.{number}", "1.2.3.1", received(number).digest)
    runner = JobRunner(ledger, jobs, {"image": JobWork(work, lambda *_: None, 3)}, 3)
    with dispatching(ledger, tmp_path, runner, concurrency=3):
        assert all(done.acquire(timeout=WAIT_S) for _ in range(20))
    assert most == 3
    with ledger.reading() as tx:
        assert tx.jobs.count() == {("image", "done"): 20}


def test_what_a_dead_worker_held_is_run_at_its_next_start(ledger: Ledger, jobs: JobQueue, tmp_path: Path) -> None:
    recorder = Recorder(ledger, jobs)
    job_id = enqueue(ledger, jobs)
    held_by(ledger, job_id, WORKER, timedelta(hours=1))
    with dispatching(ledger, tmp_path, JobRunner(ledger, jobs, recorder.kinds, 3)):
        assert recorder.finished.wait(WAIT_S)
    assert recorder.ran == [job_id]


@pytest.mark.parametrize(("lease", "released"), [(timedelta(seconds=-1), 1), (timedelta(minutes=1), 0)])
def test_a_job_of_another_worker_is_taken_over_when_its_lease_has_ended(
    ledger: Ledger, jobs: JobQueue, tmp_path: Path, lease: timedelta, released: int
) -> None:
    job_id = enqueue(ledger, jobs)
    held_by(ledger, job_id, "another-host", lease)
    runner = JobRunner(ledger, jobs, Recorder(ledger, jobs).kinds, 3)
    with closing(WakeUps(tmp_path / "wakeup")) as wakeups:
        assert Dispatcher(ledger, WORKER, runner, wakeups, 1).release_lost() == released


def test_a_worker_that_lost_its_job_enters_nothing(ledger: Ledger, jobs: JobQueue) -> None:
    recorder = Recorder(ledger, jobs)
    mine = claimed(ledger, enqueue(ledger, jobs))
    with ledger.transaction() as tx:
        tx.jobs.update(mine.job_id, state="queued")
    theirs = claimed(ledger, mine.job_id)
    with pytest.raises(JobLost), ledger.transaction() as tx:
        tx.events.add("1.2.3.1", "1.2.3.1.1", "judge", "twice")
        jobs.finish(tx, mine)
    JobRunner(ledger, jobs, recorder.kinds, 3).run(mine)
    assert state(ledger, mine.job_id) == "running"
    JobRunner(ledger, jobs, recorder.kinds, 3).run(theirs)
    assert state(ledger, mine.job_id) == "done"
    with ledger.reading() as tx:
        assert "judge" not in [event.step for event in tx.events.of_study("1.2.3.1")]


def test_an_error_that_may_pass_is_tried_again_later(ledger: Ledger, jobs: JobQueue) -> None:
    recorder = Recorder(ledger, jobs, [DeliveryFailed("not now")])
    job_id = enqueue(ledger, jobs)
    runner = JobRunner(ledger, jobs, recorder.kinds, 3)
    runner.run(claimed(ledger, job_id))
    assert state(ledger, job_id) == "waiting"
    runner.run(claimed(ledger, job_id))
    assert state(ledger, job_id) == "done" and not recorder.died


def test_an_error_that_stays_makes_a_dead_letter_at_once(ledger: Ledger, jobs: JobQueue) -> None:
    recorder = Recorder(ledger, jobs, [DataSetMismatch("never")])
    job_id = enqueue(ledger, jobs)
    JobRunner(ledger, jobs, recorder.kinds, 3).run(claimed(ledger, job_id))
    assert state(ledger, job_id) == "dead" and recorder.died == ["dataset-mismatch"]


def test_attempts_end(ledger: Ledger, jobs: JobQueue) -> None:
    recorder = Recorder(ledger, jobs, [RuntimeError("bug")] * 9)
    job_id = enqueue(ledger, jobs)
    runner = JobRunner(ledger, jobs, recorder.kinds, 3)
    for _ in range(3):
        runner.run(claimed(ledger, job_id))
    assert len(recorder.ran) == 3 and recorder.died == ["unexpected"] and state(ledger, job_id) == "dead"


def test_a_job_that_kills_its_process_every_time_is_buried(ledger: Ledger, jobs: JobQueue) -> None:
    recorder = Recorder(ledger, jobs)
    job_id = enqueue(ledger, jobs)
    with ledger.transaction() as tx:
        tx.jobs.update(job_id, starts=3)
    JobRunner(ledger, jobs, recorder.kinds, 3).run(claimed(ledger, job_id))
    assert recorder.ran == [] and recorder.died == ["crashed"] and state(ledger, job_id) == "dead"


def test_a_dead_letter_can_be_retried_and_a_done_job_cannot(ledger: Ledger, jobs: JobQueue) -> None:
    recorder = Recorder(ledger, jobs, [DataSetMismatch("never")])
    job_id = enqueue(ledger, jobs)
    runner = JobRunner(ledger, jobs, recorder.kinds, 3)
    runner.run(claimed(ledger, job_id))
    with ledger.transaction() as tx:
        jobs.retry(tx, job_id)
    runner.run(claimed(ledger, job_id))
    assert state(ledger, job_id) == "done"
    with pytest.raises(UsageError), ledger.transaction() as tx:
        jobs.retry(tx, job_id)
    with pytest.raises(UsageError), ledger.transaction() as tx:
        jobs.cancel(tx, "image:none")


def test_the_reconciler_has_lost_jobs_and_unreported_images_seen_to(ledger: Ledger, jobs: JobQueue) -> None:
    reported: list[tuple[str, str]] = []
    lost = [2, 0, 0, 0]
    reconciler = Reconciler(ledger, lambda: lost.pop(0), lambda *pair: reported.append(pair), 60)
    assert reconciler.reconcile() == 2 and reported == []
    enqueue(ledger, jobs)
    assert reconciler.reconcile() == 0
    with ledger.transaction() as tx:
        tx.instances.finish("1.2.3.1.1", "declined", route="chest", model="m", reportable=True)
    assert reconciler.reconcile() == 1 and reported == [("1.2.3.1", "chest")]
    with ledger.transaction() as tx:
        tx.instances.cover(["1.2.3.1.1"])
    assert reconciler.reconcile() == 0


@pytest.mark.parametrize("error", [OutOfResources("full"), ModelUnusable("gone"), OSError(28, "No space left")])
def test_a_failure_of_the_machine_is_waited_out(ledger: Ledger, jobs: JobQueue, error: Exception) -> None:
    recorder = Recorder(ledger, jobs, [error] * 9)
    job_id = enqueue(ledger, jobs)
    runner = JobRunner(ledger, jobs, recorder.kinds, 3)
    for _ in range(9):
        runner.run(claimed(ledger, job_id))
    assert state(ledger, job_id) == "waiting" and not recorder.died
    runner.run(claimed(ledger, job_id))
    assert state(ledger, job_id) == "done"


def test_retrying_a_dead_image_job_reopens_its_image(ledger: Ledger, jobs: JobQueue) -> None:
    recorder = Recorder(ledger, jobs, [DataSetMismatch("never")])
    job_id = enqueue(ledger, jobs)
    JobRunner(ledger, jobs, recorder.kinds, 3).run(claimed(ledger, job_id))
    with ledger.transaction() as tx:
        tx.instances.finish("1.2.3.1.1", "quarantined", route="chest", model=None, reportable=True)
        tx.instances.cover(["1.2.3.1.1"])
        jobs.retry(tx, job_id)
        instance = tx.instances.get("1.2.3.1.1")
    assert (instance.state, instance.covered) == ("received", False)


def test_a_cancelled_image_holds_up_nobody(ledger: Ledger, jobs: JobQueue) -> None:
    job_id = enqueue(ledger, jobs)
    with ledger.transaction() as tx:
        jobs.cancel(tx, job_id)
        instance = tx.instances.get("1.2.3.1.1")
        assert tx.instances.routes_to_report() == []
    assert (instance.state, instance.reportable) == ("quarantined", False) and state(ledger, job_id) == "dead"
