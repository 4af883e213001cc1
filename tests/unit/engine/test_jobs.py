"""Jobs in ledger and engine: entered together, run once, tried again, buried, found again when lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from scp_node.engine.dispatcher import Dispatcher, prepare_engine
from scp_node.engine.jobs import IMAGES_QUEUE, JobQueue, workflow_id
from scp_node.engine.reconciler import Reconciler
from scp_node.engine.runner import JobRunner, JobWork
from scp_node.errors import DataSetMismatch, DeliveryFailed, ModelUnusable, OutOfResources, UsageError
from scp_node.ledger import JobRow, Ledger
from tests.support.ledgers import new_ledger, received

WAIT_S = 30


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    one = new_ledger(tmp_path)
    prepare_engine(one.engine)
    yield one
    one.engine.dispose()


@pytest.fixture
def jobs(ledger: Ledger) -> Iterator[JobQueue]:
    queue = JobQueue(ledger)
    yield queue
    queue.close()


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

    def on_dead(self, tx: sa.Connection, job: JobRow, code: str, reason: str) -> None:
        self.died.append(code)
        self.finished.set()

    @property
    def kinds(self) -> dict[str, JobWork]:
        return {kind: JobWork(self.work, self.on_dead, 3) for kind in ("image", "study", "delivery")}


def enqueue(ledger: Ledger, jobs: JobQueue) -> str:
    with ledger.transaction() as tx:
        ledger.add_instance(tx, received())
        jobs.enqueue_image(tx, "1.2.3.1.1", received().sha256)
    return f"image:1.2.3.1.1:{received().sha256[:16]}"


def state(ledger: Ledger, job_id: str) -> str:
    with ledger.reading() as tx:
        job = ledger.job(tx, job_id)
    assert job is not None
    return job.state


def test_a_rolled_back_instance_leaves_no_job(ledger: Ledger, jobs: JobQueue) -> None:
    with pytest.raises(RuntimeError), ledger.transaction() as tx:
        ledger.add_instance(tx, received())
        jobs.enqueue_image(tx, "1.2.3.1.1", received().sha256)
        raise RuntimeError
    with ledger.reading() as tx:
        assert ledger.jobs(tx, ("queued",), 10) == []
        assert tx.exec_driver_sql("select count(*) from workflow_status where queue_name = 'images'").scalar() == 0


def test_a_queued_job_runs_once_in_a_worker(ledger: Ledger, jobs: JobQueue) -> None:
    recorder = Recorder(ledger, jobs)
    job_id = enqueue(ledger, jobs)
    dispatcher = Dispatcher(ledger.engine, "test-worker-1", JobRunner(ledger, jobs, recorder.kinds, 3), 0.02)
    dispatcher.start({IMAGES_QUEUE: 2})
    try:
        assert recorder.finished.wait(WAIT_S)
    finally:
        dispatcher.stop(5)
    assert recorder.ran == [job_id] and state(ledger, job_id) == "done"


def test_a_stale_attempt_does_nothing(ledger: Ledger, jobs: JobQueue) -> None:
    recorder = Recorder(ledger, jobs)
    job_id = enqueue(ledger, jobs)
    JobRunner(ledger, jobs, recorder.kinds, 3).run(job_id, 7)
    assert recorder.ran == [] and state(ledger, job_id) == "queued"


def test_an_error_that_may_pass_is_tried_again_later(ledger: Ledger, jobs: JobQueue) -> None:
    recorder = Recorder(ledger, jobs, [DeliveryFailed("not now")])
    job_id = enqueue(ledger, jobs)
    runner = JobRunner(ledger, jobs, recorder.kinds, 3)
    runner.run(job_id, 1)
    assert state(ledger, job_id) == "waiting"
    runner.run(job_id, 2)
    assert state(ledger, job_id) == "done" and not recorder.died


def test_an_error_that_stays_makes_a_dead_letter_at_once(ledger: Ledger, jobs: JobQueue) -> None:
    recorder = Recorder(ledger, jobs, [DataSetMismatch("never")])
    job_id = enqueue(ledger, jobs)
    JobRunner(ledger, jobs, recorder.kinds, 3).run(job_id, 1)
    assert state(ledger, job_id) == "dead" and recorder.died == ["dataset-mismatch"]


def test_attempts_end(ledger: Ledger, jobs: JobQueue) -> None:
    recorder = Recorder(ledger, jobs, [RuntimeError("bug")] * 9)
    job_id = enqueue(ledger, jobs)
    runner = JobRunner(ledger, jobs, recorder.kinds, 3)
    for attempt in range(1, 5):
        runner.run(job_id, attempt)
    assert len(recorder.ran) == 3 and recorder.died == ["unexpected"]


def test_a_job_that_kills_its_process_every_time_is_buried(ledger: Ledger, jobs: JobQueue) -> None:
    recorder = Recorder(ledger, jobs)
    job_id = enqueue(ledger, jobs)
    with ledger.transaction() as tx:
        ledger.update_job(tx, job_id, state="running", starts=3)
    JobRunner(ledger, jobs, recorder.kinds, 3).run(job_id, 1)
    assert recorder.ran == [] and recorder.died == ["crashed"] and state(ledger, job_id) == "dead"


def test_a_dead_letter_can_be_retried_and_a_done_job_cannot(ledger: Ledger, jobs: JobQueue) -> None:
    recorder = Recorder(ledger, jobs, [DataSetMismatch("never")])
    job_id = enqueue(ledger, jobs)
    runner = JobRunner(ledger, jobs, recorder.kinds, 3)
    runner.run(job_id, 1)
    with ledger.transaction() as tx:
        jobs.retry(tx, job_id)
    runner.run(job_id, 2)
    assert state(ledger, job_id) == "done"
    with pytest.raises(UsageError), ledger.transaction() as tx:
        jobs.retry(tx, job_id)
    with pytest.raises(UsageError), ledger.transaction() as tx:
        jobs.cancel(tx, "image:none")


def reconciler_of(ledger: Ledger, jobs: JobQueue, running: bool = False) -> tuple[Reconciler, list[tuple[str, str]]]:
    reported: list[tuple[str, str]] = []
    return Reconciler(ledger, jobs, lambda *_: running, lambda *pair: reported.append(pair), 60), reported


@pytest.fixture
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scp_node.engine.reconciler.GRACE", timedelta(seconds=-1))


@pytest.mark.usefixtures("no_grace")
def test_the_reconciler_restarts_what_the_engine_lost(ledger: Ledger, jobs: JobQueue) -> None:
    job_id = enqueue(ledger, jobs)
    reconciler, reported = reconciler_of(ledger, jobs)
    assert reconciler.reconcile() == 0
    with ledger.transaction() as tx:
        tx.exec_driver_sql(f"delete from workflow_status where workflow_uuid = '{workflow_id(job_id, 1)}'")
    assert reconciler.reconcile() == 1
    with ledger.reading() as tx:
        job = ledger.job(tx, job_id)
    assert job is not None and (job.state, job.attempt) == ("waiting", 2)
    with ledger.transaction() as tx:
        ledger.finish_instance(tx, "1.2.3.1.1", "declined", route="chest", model="m", reportable=True)
    assert reconciler.reconcile() == 1 and reported == [("1.2.3.1", "chest")]
    with ledger.transaction() as tx:
        ledger.cover_instances(tx, ["1.2.3.1.1"])
    assert reconciler.reconcile() == 0


@pytest.mark.usefixtures("no_grace")
@pytest.mark.parametrize(("runs_here", "restarted"), [(True, 0), (False, 1)])
def test_a_job_that_the_engine_believes_running_is_restarted_unless_it_does_run(
    ledger: Ledger, jobs: JobQueue, runs_here: bool, restarted: int
) -> None:
    job_id = enqueue(ledger, jobs)
    with ledger.transaction() as tx:
        tx.exec_driver_sql(
            "update workflow_status set status = 'PENDING', executor_id = 'a-host-that-was-renamed' "
            f"where workflow_uuid = '{workflow_id(job_id, 1)}'"
        )
    assert reconciler_of(ledger, jobs, runs_here)[0].reconcile() == restarted


def test_preparing_the_engine_claims_no_job(ledger: Ledger, jobs: JobQueue) -> None:
    job_id = enqueue(ledger, jobs)
    recorder = Recorder(ledger, jobs)
    dispatcher = Dispatcher(ledger.engine, "test-worker-1", JobRunner(ledger, jobs, recorder.kinds, 3), 0.005)
    dispatcher.start({IMAGES_QUEUE: 1})
    assert recorder.finished.wait(WAIT_S)
    dispatcher.stop(5)
    with ledger.transaction() as tx:
        jobs.enqueue_image(tx, "1.2.3.1.1", received().sha256, anew=True)
    prepare_engine(ledger.engine)
    with ledger.reading() as tx:
        statuses = tx.exec_driver_sql(
            f"select status from workflow_status where workflow_uuid like '{job_id}:%'"
        ).scalars()
        assert list(statuses) == ["ENQUEUED"]


@pytest.mark.parametrize("error", [OutOfResources("full"), ModelUnusable("gone"), OSError(28, "No space left")])
def test_a_failure_of_the_machine_is_waited_out(ledger: Ledger, jobs: JobQueue, error: Exception) -> None:
    recorder = Recorder(ledger, jobs, [error] * 9)
    job_id = enqueue(ledger, jobs)
    runner = JobRunner(ledger, jobs, recorder.kinds, 3)
    for attempt in range(1, 10):
        runner.run(job_id, attempt)
    assert state(ledger, job_id) == "waiting" and not recorder.died
    runner.run(job_id, 10)
    assert state(ledger, job_id) == "done"


def test_retrying_a_dead_image_job_reopens_its_image(ledger: Ledger, jobs: JobQueue) -> None:
    recorder = Recorder(ledger, jobs, [DataSetMismatch("never")])
    job_id = enqueue(ledger, jobs)
    JobRunner(ledger, jobs, recorder.kinds, 3).run(job_id, 1)
    with ledger.transaction() as tx:
        ledger.finish_instance(tx, "1.2.3.1.1", "quarantined", route="chest", model=None, reportable=True)
        ledger.cover_instances(tx, ["1.2.3.1.1"])
        jobs.retry(tx, job_id)
        instance = ledger.instance(tx, "1.2.3.1.1")
    assert (instance.state, instance.covered) == ("received", False)


def test_a_cancelled_image_holds_up_nobody(ledger: Ledger, jobs: JobQueue) -> None:
    job_id = enqueue(ledger, jobs)
    with ledger.transaction() as tx:
        jobs.cancel(tx, job_id)
        instance = ledger.instance(tx, "1.2.3.1.1")
        assert ledger.routes_to_report(tx) == []
    assert (instance.state, instance.reportable) == ("quarantined", False) and state(ledger, job_id) == "dead"
