"""What only the embedded engine does: it knows when the next job is due, is woken by a pipe, and looks again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

from sqlalchemy.exc import OperationalError

from scp_node.engine.dispatcher import Dispatcher
from scp_node.engine.port import Limit
from scp_node.engine.retry import retry_table
from scp_node.engine.runner import JobRunner
from scp_node.engine.wakeup import Waker, WakeUps
from scp_node.intake.image_jobs import IMAGES_QUEUE
from scp_node.ledger import Ledger, Transaction
from scp_node.ledger.records import now_utc
from scp_node.settings import Delivery, Workers
from tests.support.ledger.work import RecordedWork, enter_image

WAIT_S = 30
WORKER = "test-host-worker"


@contextmanager
def dispatching(
    ledger: Ledger, folder: Path, runner: JobRunner, poll_s: float = 30.0, **workers: float
) -> Iterator[Dispatcher]:
    """A dispatcher whose polling is too rare to be of any help."""
    retries = retry_table(Workers.model_validate(workers), Delivery())
    with closing(WakeUps(folder / "wakeup")) as wakeups:
        dispatcher = Dispatcher(ledger, WORKER, wakeups, lambda: retries, poll_s)
        dispatcher.work({IMAGES_QUEUE: Limit(2)}, runner.run)
        try:
            yield dispatcher
        finally:
            dispatcher.stop(5)


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
