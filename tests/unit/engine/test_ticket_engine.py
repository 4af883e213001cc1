"""What only the engine on procrastinate does: tickets come and go with the job's row, and outlive the database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from scp_node.engine.jobs import JobQueue
from scp_node.engine.port import Limit
from scp_node.errors import ConfigurationError
from scp_node.intake.image_jobs import IMAGES_QUEUE
from scp_node.ledger import Ledger
from scp_node.ledger.database import migrate
from scp_node.ledger.records import now_utc
from tests.support.ledger.databases import ledgers_in
from tests.support.ledger.engines import HeldWork, engine_over
from tests.support.ledger.work import enter_image, job_of, state
from tests.support.peers.postgresql import Postgresql
from tests.support.waiting import until

JOBS = JobQueue()
WORKER, TWO = "my-worker", {IMAGES_QUEUE: Limit(2)}


@pytest.fixture
def database(postgresql: Postgresql) -> Iterator[str]:
    with ledgers_in(postgresql, tickets=True):
        yield "postgresql"


def tickets(ledger: Ledger) -> list[tuple[str, str]]:
    """(job and attempt, state) of each."""
    asked = sa.text("SELECT queueing_lock, CAST(status AS text) FROM procrastinate_jobs ORDER BY id")
    with ledger.reading() as tx:
        return [(lock, status) for lock, status in tx.connection.execute(asked)]


def changed(ledger: Ledger, statement: str) -> None:
    with ledger.transaction() as tx:
        tx.connection.execute(sa.text(statement))


def take_as_a_dead_worker(ledger: Ledger, job_id: str) -> None:
    """A ticket that was fetched by a process that died before it could claim the job."""
    changed(ledger, "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')")
    changed(
        ledger,
        "UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT max(id) FROM procrastinate_workers)",
    )
    assert tickets(ledger) == [(f"{job_id}:1", "doing")]


def test_a_ticket_says_which_job_and_nothing_of_it(ledger: Ledger) -> None:
    job_id = enter_image(ledger)
    with ledger.reading() as tx:
        (args,) = tx.connection.execute(sa.text("SELECT args FROM procrastinate_jobs")).scalars()
    assert args == {"job_id": job_id, "attempt": 1}


def test_an_attempt_has_one_ticket_however_often_its_time_changes(ledger: Ledger) -> None:
    job_id = enter_image(ledger)
    for wait_s in (60, 5, 0):
        with ledger.transaction() as tx:
            JOBS.move(tx, job_of(ledger, job_id), now_utc() + timedelta(seconds=wait_s))
    assert tickets(ledger) == [(f"{job_id}:1", "todo")]


def test_what_is_done_or_not_wanted_leaves_no_ticket(ledger: Ledger, tmp_path: Path) -> None:
    gate, job_ids = HeldWork(ledger), [enter_image(ledger, number) for number in (1, 2, 3)]
    gate.open()
    with ledger.transaction() as tx:
        JOBS.drop(tx, job_ids[2])
    with engine_over(ledger, tmp_path, WORKER) as engine:
        engine.work(TWO, gate.start)
        until(lambda: tickets(ledger) == [])
        with ledger.reading() as tx:
            assert tx.connection.execute(sa.text("SELECT count(*) FROM procrastinate_events")).scalar_one() == 0
    assert {state(ledger, job_id) for job_id in job_ids} == {"done"}


def test_what_a_worker_has_not_begun_when_it_stops_keeps_its_ticket(ledger: Ledger, tmp_path: Path) -> None:
    gate, one_at_a_time = HeldWork(ledger), {IMAGES_QUEUE: Limit(2, everywhere=1)}
    for number in (1, 2):
        enter_image(ledger, number)
    with engine_over(ledger, tmp_path, WORKER) as engine:
        engine.work(one_at_a_time, gate.start)
        assert gate.wait_for(1)
        until(lambda: [status for _, status in tickets(ledger)] == ["doing", "doing"])
        gate.open_after(0.3)
        engine.stop(20)
    (left,) = tickets(ledger)
    assert left[1] == "todo"


def test_the_ticket_of_a_worker_that_died_before_it_claimed_the_job_is_replaced(ledger: Ledger, tmp_path: Path) -> None:
    gate, job_id = HeldWork(ledger), enter_image(ledger)
    gate.open()
    take_as_a_dead_worker(ledger, job_id)
    with engine_over(ledger, tmp_path, WORKER) as engine:
        engine.work(TWO, gate.start)
        assert engine.recover() == [job_id]
        assert gate.wait_for(1)


def test_only_one_worker_at_a_time_looks_for_jobs_without_a_ticket(ledger: Ledger, tmp_path: Path) -> None:
    enter_image(ledger)
    changed(ledger, "DELETE FROM procrastinate_jobs")
    with engine_over(ledger, tmp_path, WORKER) as engine:
        with ledger.transaction() as tx:
            assert tx.tickets.lead() and engine.recover() == []
        assert len(engine.recover()) == 1 and engine.recover() == []


def test_connections_that_the_database_ends_cost_no_job(ledger: Ledger, tmp_path: Path) -> None:
    gate = HeldWork(ledger)
    gate.open()
    with engine_over(ledger, tmp_path, WORKER, queue_retry_s=0.2) as engine:
        engine.work(TWO, gate.start)
        job_ids = []
        for number in range(1, 9):
            job_ids.append(enter_image(ledger, number))
            if number % 3 == 0:
                changed(
                    ledger,
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE pid <> pg_backend_pid() AND application_name = (SELECT application_name FROM"
                    " pg_stat_activity WHERE pid = pg_backend_pid())",
                )

        def is_all_done() -> bool:
            engine.recover()
            return all(state(ledger, job_id) == "done" for job_id in job_ids)

        until(is_all_done, timeout_s=40, pause_s=0.5)


def test_its_tables_are_made_once_and_those_of_a_newer_release_are_left_alone(ledger: Ledger) -> None:
    migrate(ledger.engine)
    with ledger.reading() as tx:
        shape = tx.connection.execute(sa.text("SELECT obj_description('procrastinate_jobs'::regclass)")).scalar_one()
    changed(ledger, "COMMENT ON TABLE procrastinate_jobs IS '99.00.00_01_pre_of_another_time'")
    try:
        with pytest.raises(ConfigurationError, match="have shape 99"):
            migrate(ledger.engine)
    finally:
        changed(ledger, f"COMMENT ON TABLE procrastinate_jobs IS '{shape}'")
