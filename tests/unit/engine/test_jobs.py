"""Jobs: entered with what they are about, and changed by nobody but who may change them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from scp_node.engine.jobs import JobQueue, JobSubject
from scp_node.errors import UsageError
from scp_node.intake.image_jobs import image_job
from scp_node.ledger import JobLost, JobRow, Ledger, Transaction
from scp_node.ledger.records import JobKind, now_utc
from tests.support.ledger.ledgers import received
from tests.support.ledger.work import enter_image, hold, job_of, state

JOBS = JobQueue()
MINE, THEIRS = "my-worker", "their-worker"


def test_a_rolled_back_instance_leaves_no_job(ledger: Ledger) -> None:
    with pytest.raises(RuntimeError), ledger.transaction() as tx:
        tx.instances.add(received())
        JOBS.put(tx, image_job(received(), now_utc()))
        raise RuntimeError
    with ledger.reading() as tx:
        assert tx.jobs.in_states(("queued",), 10) == []


def test_a_job_that_is_entered_twice_is_one_job_as_it_was_first(ledger: Ledger) -> None:
    job = job_of(ledger, enter_image(ledger))
    with ledger.transaction() as tx:
        JOBS.put(tx, image_job(received(), now_utc() + timedelta(hours=1)))
    assert job_of(ledger, job.job_id) == job


CHANGES: dict[str, Callable[[Transaction, JobRow], None]] = {
    "finish": JOBS.finish,
    "again": lambda tx, job: JOBS.again(tx, job, now_utc(), "not now"),
    "postpone": lambda tx, job: JOBS.postpone(tx, job, now_utc()),
    "bury": lambda tx, job: JOBS.bury(tx, job, "never"),
}


@pytest.mark.parametrize(
    ("change", "expected"), list(zip(CHANGES, ("done", "waiting", "queued", "dead"), strict=True)), ids=list(CHANGES)
)
def test_who_holds_a_job_decides_what_becomes_of_it(ledger: Ledger, change: str, expected: str) -> None:
    mine = hold(ledger, enter_image(ledger), MINE)
    with ledger.transaction() as tx:
        CHANGES[change](tx, mine)
    assert state(ledger, mine.job_id) == expected


def released(ledger: Ledger, job_id: str) -> None:
    with ledger.transaction() as tx:
        assert len(tx.jobs.release(MINE, [])) == 1


def taken_over(ledger: Ledger, job_id: str) -> None:
    released(ledger, job_id)
    hold(ledger, job_id, THEIRS)


def taken_over_and_done(ledger: Ledger, job_id: str) -> None:
    released(ledger, job_id)
    theirs = hold(ledger, job_id, THEIRS)
    with ledger.transaction() as tx:
        JOBS.finish(tx, theirs)


def taken_over_and_tried_again(ledger: Ledger, job_id: str) -> None:
    released(ledger, job_id)
    theirs = hold(ledger, job_id, THEIRS)
    with ledger.transaction() as tx:
        JOBS.again(tx, theirs, now_utc(), "theirs failed")
    hold(ledger, job_id, THEIRS)


def cancelled(ledger: Ledger, job_id: str) -> None:
    released(ledger, job_id)
    with ledger.transaction() as tx:
        JOBS.cancel(tx, job_id, {"image": JobSubject(lambda *_: None, lambda *_: None)})


LOSSES = (released, taken_over, taken_over_and_done, taken_over_and_tried_again, cancelled)


@pytest.mark.parametrize("lose", LOSSES, ids=[lose.__name__ for lose in LOSSES])
@pytest.mark.parametrize("change", CHANGES)
def test_a_worker_that_lost_its_job_changes_neither_it_nor_anything_else(
    ledger: Ledger, change: str, lose: Callable[[Ledger, str], None]
) -> None:
    mine = hold(ledger, enter_image(ledger), MINE)
    lose(ledger, mine.job_id)
    as_lost = job_of(ledger, mine.job_id)
    with pytest.raises(JobLost), ledger.transaction() as tx:
        tx.events.add(mine.study_instance_uid, mine.subject, "judge", "twice")
        CHANGES[change](tx, mine)
    assert job_of(ledger, mine.job_id) == as_lost
    with ledger.reading() as tx:
        assert "judge" not in [event.step for event in tx.events.of_study(mine.study_instance_uid)]


def test_a_person_retries_and_cancels_what_nobody_works_on_and_its_subject_hears_of_it(ledger: Ledger) -> None:
    job_id, heard = enter_image(ledger), list[str]()
    subjects: dict[JobKind, JobSubject]
    subjects = {"image": JobSubject(lambda _, job: heard.append("retry"), lambda _, job: heard.append("cancel"))}
    with ledger.transaction() as tx:
        JOBS.cancel(tx, job_id, subjects)
    assert (state(ledger, job_id), heard) == ("dead", ["cancel"])
    with ledger.transaction() as tx:
        JOBS.retry(tx, job_id, subjects)
    job = job_of(ledger, job_id)
    assert (job.state, job.attempt, heard) == ("waiting", 2, ["cancel", "retry"])
    assert job.due_at <= now_utc()


def test_a_cancelled_job_keeps_its_last_failure_and_counts_only_what_was_begun(ledger: Ledger) -> None:
    subjects: dict[JobKind, JobSubject]
    subjects = {"image": JobSubject(lambda *_: None, lambda *_: None)}
    mine = hold(ledger, enter_image(ledger), MINE)
    with ledger.transaction() as tx:
        JOBS.again(tx, mine, now_utc(), "nothing listens")
    assert job_of(ledger, mine.job_id).attempts == 1
    for _ in range(2):
        with ledger.transaction() as tx:
            JOBS.cancel(tx, mine.job_id, subjects)
        cancelled = job_of(ledger, mine.job_id)
        assert cancelled.error == "cancelled by an administrator; last failure: nothing listens"
        with ledger.transaction() as tx:
            JOBS.retry(tx, mine.job_id, subjects)
            JOBS.retry(tx, mine.job_id, subjects)
        again = job_of(ledger, mine.job_id)
        assert (cancelled.attempts, again.attempts, again.error) == (1, 1, "nothing listens")
    mine = hold(ledger, mine.job_id, MINE)
    assert mine.attempts == 1
    with ledger.transaction() as tx:
        JOBS.bury(tx, mine, "refused")
    assert job_of(ledger, mine.job_id).attempts == 2


@pytest.mark.parametrize("act", [JOBS.retry, JOBS.cancel], ids=["retry", "cancel"])
def test_a_job_that_runs_or_is_done_or_is_unknown_is_neither_retried_nor_cancelled(
    ledger: Ledger, act: Callable[..., JobRow]
) -> None:
    mine = hold(ledger, enter_image(ledger), MINE)
    for job_id, reason in ((mine.job_id, "is running"), ("image:none", "there is no job"), (mine.job_id, "is done")):
        with pytest.raises(UsageError, match=reason), ledger.transaction() as tx:
            act(tx, job_id, {})
        if reason == "there is no job":
            with ledger.transaction() as tx:
                JOBS.finish(tx, mine)


def test_what_was_done_can_be_reopened_or_given_up_and_what_runs_cannot(ledger: Ledger) -> None:
    mine = hold(ledger, enter_image(ledger), MINE)
    with pytest.raises(UsageError), ledger.transaction() as tx:
        JOBS.reopen(tx, mine.job_id, now_utc(), "lost")
    with pytest.raises(UsageError), ledger.transaction() as tx:
        JOBS.give_up(tx, mine.job_id, "lost")
    with ledger.transaction() as tx:
        JOBS.finish(tx, mine)
        JOBS.reopen(tx, mine.job_id, now_utc(), "lost")
    job = job_of(ledger, mine.job_id)
    assert (job.state, job.attempt, job.starts, job.error) == ("waiting", 2, 0, "lost")
    mine = hold(ledger, job.job_id, MINE)
    with ledger.transaction() as tx:
        JOBS.finish(tx, mine)
        JOBS.give_up(tx, mine.job_id, "lost again")
    assert state(ledger, job.job_id) == "dead"


def test_a_job_that_nobody_needs_is_dropped_unless_somebody_works_on_it(ledger: Ledger) -> None:
    pending, running = enter_image(ledger, 1), enter_image(ledger, 2)
    hold(ledger, running, MINE)
    with ledger.transaction() as tx:
        for job_id in (pending, running, "image:none"):
            JOBS.drop(tx, job_id)
    assert (state(ledger, pending), state(ledger, running)) == ("done", "running")
