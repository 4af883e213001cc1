"""Retrying and cancelling jobs: what is asked for is done in a transaction of its own, and every act is recorded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from scp_node.engine.wakeup import Waker, WakeUps
from scp_node.errors import UsageError
from scp_node.ledger import Ledger
from scp_node.ledger.database import open_database
from scp_node.operations import jobs as operations
from scp_node.operations.acts import Act, Operator
from scp_node.operations.jobs import cancel_job, cancel_jobs, retry_job, retry_jobs
from scp_node.settings.places import default_url
from tests.unit.operations.recorder import operator_and_acts
from tests.unit.queries.cases import fill

NOBODY = Waker(Path("/nonexistent/worker.wakeup"))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    fill(tmp_path)
    engine = open_database(default_url(tmp_path))
    yield Ledger(engine)
    engine.dispose()


def state_of(ledger: Ledger, job_id: str) -> str:
    with ledger.reading() as tx:
        job = tx.jobs.get(job_id)
    assert job is not None
    return job.state


def bury_image(ledger: Ledger) -> str:
    with ledger.transaction() as tx:
        tx.jobs.update("image:1.2.3.2.1", state="dead", error="inference-failed")
    return "image:1.2.3.2.1"


def test_a_dead_delivery_is_sent_again_and_its_retry_is_recorded(ledger: Ledger) -> None:
    anna, acts = operator_and_acts()
    act = retry_job(ledger, NOBODY, "delivery:3", anna)
    assert act == Act("retry-job", "job", "delivery:3", "anna", "done") and acts == [act]
    assert state_of(ledger, "delivery:3") == "waiting"
    with ledger.reading() as tx:
        assert tx.deliveries.get(3).state == "queued"


def test_a_retry_wakes_the_worker(ledger: Ledger, tmp_path: Path) -> None:
    pipe = tmp_path / "locks" / "worker.wakeup"
    with closing(WakeUps(pipe)) as worker:
        retry_job(ledger, Waker(pipe), "delivery:3", operator_and_acts()[0])
        started = time.monotonic()
        worker.wait(30)
        assert time.monotonic() - started < 10, "nothing was written into the pipe"


@pytest.mark.parametrize("job_id", ["delivery:1", "image:1.2.3.3.1", "delivery:99"])
def test_what_cannot_be_retried_is_refused_and_recorded_as_refused(ledger: Ledger, job_id: str) -> None:
    anna, acts = operator_and_acts()
    with pytest.raises(UsageError, match=job_id):
        retry_job(ledger, NOBODY, job_id, anna)
    assert acts == [Act("retry-job", "job", job_id, "anna", "refused")]


def test_a_cancelled_job_is_a_dead_letter_and_its_subject_waits_for_nothing(ledger: Ledger) -> None:
    anna, acts = operator_and_acts()
    act = cancel_job(ledger, "image:1.2.3.3.1", anna)
    assert act == Act("cancel-job", "job", "image:1.2.3.3.1", "anna", "done") and acts == [act]
    assert state_of(ledger, "image:1.2.3.3.1") == "dead"
    with ledger.reading() as tx:
        assert tx.instances.get("1.2.3.3.1").state == "quarantined"
    with pytest.raises(UsageError):
        cancel_job(ledger, "image:1.2.3.3.1", anna)
    assert acts[-1].outcome == "refused"


def test_an_act_that_the_database_fails_is_recorded_as_failed(ledger: Ledger) -> None:
    anna, acts = operator_and_acts()
    with ledger.transaction() as tx:
        tx.connection.execute(sa.text("ALTER TABLE hilum_job RENAME TO hilum_gone"))
    with pytest.raises(sa.exc.OperationalError):
        retry_job(ledger, NOBODY, "delivery:3", anna)
    assert [act.outcome for act in acts] == ["failed"]


def test_one_that_somebody_else_retries_meanwhile_is_passed_over(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = bury_image(ledger)
    acts: list[Act] = []

    class Meddler:
        """Ends the second dead job while the first one is recorded."""

        def record(self, *told: Act) -> None:
            acts.extend(told)
            with ledger.transaction() as tx:
                tx.jobs.update("delivery:3" if told[0].object_id == image else image, state="queued")

    monkeypatch.setattr(operations, "BATCH_SIZE_MAX", 1)
    list(retry_jobs(ledger, NOBODY, [image, "delivery:3"], Operator("anna", Meddler())))
    assert [act.outcome for act in acts] == ["done", "refused"]


@pytest.mark.parametrize("size", [1, 2, 200])
def test_many_jobs_are_changed_in_batches_in_their_order(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(operations, "BATCH_SIZE_MAX", size)
    anna, acts = operator_and_acts()
    wanted = ["delivery:3", "delivery:1", "delivery:2", "image:1.2.3.3.1"]
    told = list(retry_jobs(ledger, NOBODY, wanted, anna))
    assert told == acts and [act.object_id for act in told] == wanted
    assert [act.outcome for act in told] == ["done", "refused", "done", "refused"], "one that is done is left alone"
    assert {state_of(ledger, job_id) for job_id in ("delivery:2", "delivery:3")} == {"waiting"}
    told = list(cancel_jobs(ledger, wanted, anna))
    assert [act.outcome for act in told] == ["done", "refused", "done", "done"]
    assert {state_of(ledger, act.object_id) for act in told if act.outcome == "done"} == {"dead"}


def test_a_batch_that_cannot_be_committed_changes_nothing_and_is_recorded_as_failed(ledger: Ledger) -> None:
    anna, acts = operator_and_acts()
    with ledger.engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER no BEFORE UPDATE ON hilum_delivery BEGIN SELECT RAISE(FAIL, 'no'); END"
        )
    with pytest.raises(sa.exc.DBAPIError):
        list(retry_jobs(ledger, NOBODY, ["delivery:2", "delivery:3"], anna))
    assert [act.outcome for act in acts] == ["failed", "failed"]
    assert state_of(ledger, "delivery:3") == "dead"
