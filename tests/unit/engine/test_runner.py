"""One attempt at a job: done, tried again later, waited out, or buried."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scp_node.errors import DataSetMismatch, DeliveryFailed, ModelUnusable, OutOfResources
from scp_node.ledger import Ledger
from scp_node.ledger.records import now_utc
from tests.support.ledger.ledgers import claimed
from tests.support.ledger.work import STUDY_UID, RecordedWork, enter_image, hold, job_of, state


def test_an_error_that_may_pass_is_tried_again_later(ledger: Ledger) -> None:
    work, job_id = RecordedWork(ledger, [DeliveryFailed("not now")]), enter_image(ledger)
    runner = work.runner()
    runner.run(claimed(ledger, job_id))
    assert state(ledger, job_id) == "waiting"
    runner.run(claimed(ledger, job_id))
    assert state(ledger, job_id) == "done" and not work.died


def test_the_next_attempt_comes_when_the_settings_say_so(ledger: Ledger) -> None:
    work, job_id = RecordedWork(ledger, [DeliveryFailed("not now")] * 2), enter_image(ledger)
    runner = work.runner(retry_first_s=100, retry_factor=5, retry_max_s=400, retry_jitter=0)
    for wait_s in (100, 400):
        before = now_utc()
        runner.run(claimed(ledger, job_id))
        due_in = job_of(ledger, job_id).due_at - before
        assert timedelta(seconds=wait_s) <= due_in < timedelta(seconds=wait_s + 30)


def test_an_error_that_stays_makes_a_dead_letter_at_once(ledger: Ledger) -> None:
    work, job_id = RecordedWork(ledger, [DataSetMismatch("never")]), enter_image(ledger)
    work.runner().run(claimed(ledger, job_id))
    assert state(ledger, job_id) == "dead" and work.died == ["dataset-mismatch"]


def test_attempts_end(ledger: Ledger) -> None:
    work, job_id = RecordedWork(ledger, [RuntimeError("bug")] * 9), enter_image(ledger)
    runner = work.runner(attempts_max=3)
    for _ in range(3):
        runner.run(claimed(ledger, job_id))
    assert len(work.ran) == 3 and work.died == ["unexpected"] and state(ledger, job_id) == "dead"


def test_a_job_that_kills_its_process_every_time_is_buried(ledger: Ledger) -> None:
    work, job_id = RecordedWork(ledger), enter_image(ledger)
    with ledger.transaction() as tx:
        tx.jobs.update(job_id, starts=3)
    work.runner(attempts_max=3).run(claimed(ledger, job_id))
    assert work.ran == [] and work.died == ["crashed"] and state(ledger, job_id) == "dead"


@pytest.mark.parametrize("error", [OutOfResources("full"), ModelUnusable("gone"), OSError(28, "No space left")])
def test_a_failure_of_the_machine_is_waited_out(ledger: Ledger, error: Exception) -> None:
    work, job_id = RecordedWork(ledger, [error] * 9), enter_image(ledger)
    runner = work.runner(attempts_max=3)
    for _ in range(9):
        runner.run(claimed(ledger, job_id))
    assert state(ledger, job_id) == "waiting" and not work.died
    runner.run(claimed(ledger, job_id))
    assert state(ledger, job_id) == "done"


def test_a_failure_of_the_machine_is_not_waited_out_for_ever(ledger: Ledger) -> None:
    work, job_id = RecordedWork(ledger, [OutOfResources("full")]), enter_image(ledger)
    work.runner(give_up_after_h=1e-9).run(claimed(ledger, job_id))
    assert state(ledger, job_id) == "dead" and work.died == ["out-of-resources"]


@pytest.mark.parametrize(
    "error", [None, DeliveryFailed("not now"), DataSetMismatch("never"), OutOfResources("full"), RuntimeError("bug")]
)
def test_whatever_comes_of_work_on_a_lost_job_its_new_holder_decides(
    ledger: Ledger, caplog: pytest.LogCaptureFixture, error: Exception | None
) -> None:
    """A worker was stopped for longer than its lease, and wakes."""
    work = RecordedWork(ledger, [error] if error else [])
    mine = hold(ledger, enter_image(ledger), "stopped", lease=timedelta(seconds=-1))
    with ledger.transaction() as tx:
        assert len(tx.jobs.release("other", [])) == 1
    theirs = hold(ledger, mine.job_id, "other")
    work.runner().run(mine)
    assert job_of(ledger, mine.job_id) == theirs
    with ledger.reading() as tx:
        assert "died" not in [event.step for event in tx.events.of_study(STUDY_UID)]
    assert "job was taken over meanwhile" in caplog.messages
    assert not {"job will be tried again", "job is a dead letter"} & set(caplog.messages)
    work.runner().run(theirs)
    assert state(ledger, mine.job_id) == "done"


def test_a_job_that_killed_its_process_and_is_done_by_now_is_not_buried(ledger: Ledger) -> None:
    work = RecordedWork(ledger)
    job_id = enter_image(ledger)
    with ledger.transaction() as tx:
        tx.jobs.update(job_id, starts=3)
    mine = hold(ledger, job_id, "stopped")
    with ledger.transaction() as tx:
        tx.jobs.update(job_id, state="done")
    work.runner(attempts_max=3).run(mine)
    assert (state(ledger, job_id), work.died) == ("done", [])
