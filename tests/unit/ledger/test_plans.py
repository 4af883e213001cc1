"""What the node asks every second costs the same however many images it has seen: no statement reads a whole table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from scp_node.ledger import JobRow, Ledger, Transaction
from scp_node.ledger import tables as t
from scp_node.ledger.database import migrate, open_database
from scp_node.retention.candidates import Candidates
from scp_node.retention.forecast import forecast
from scp_node.retention.rules import Before
from scp_node.settings.places import default_url
from tests.support.ledger.ledgers import received

# Read from their beginning, as far as a limit goes, or of few rows.
IN_ORDER = ("ix_hilum_instance_uncovered", "ix_hilum_study_with_images", "SCAN of_")
NOW = datetime(2024, 5, 1, tzinfo=UTC)
JOB = JobRow("image:1", "image", "1.2.3", "1.2", "images", "running", 1, 1, "worker", NOW, NOW, NOW, NOW, "", 0)
ASKED: dict[str, Callable[[Ledger, Transaction], Any]] = {
    "next jobs": lambda ledger, tx: tx.jobs.pending("images", 5),
    "jobs that are due": lambda ledger, tx: tx.jobs.due("images", 5, NOW),
    "jobs whose lease has ended": lambda ledger, tx: tx.jobs.is_any_lost(),
    "studies of jobs": lambda ledger, tx: tx.jobs.studies_of(["image:1"]),
    "leases": lambda ledger, tx: tx.jobs.extend_leases([JOB], NOW),
    "jobs of dead workers": lambda ledger, tx: tx.jobs.release("worker", ["image:1"]),
    "numbers of jobs": lambda ledger, tx: tx.jobs.count_live(),
    "ages of queues": lambda ledger, tx: tx.jobs.oldest_due(),
    "dead letters": lambda ledger, tx: tx.jobs.in_states(("dead",), 10),
    "images without a report": lambda ledger, tx: tx.instances.routes_to_report(),
    "jobs of an image": lambda ledger, tx: tx.jobs.count_of("1.2", "1.2.3"),
    "reports that wait": lambda ledger, tx: tx.jobs.pending_reports("1.2"),
    "reports there were": lambda ledger, tx: tx.jobs.count_reports("1.2", "chest"),
    "the last image": lambda ledger, tx: tx.instances.last_arrival("1.2", NOW),
    "whether an image is waited for": lambda ledger, tx: tx.instances.is_being_analysed("1.2"),
    "whether an image is not reported": lambda ledger, tx: tx.instances.waiting_priority("1.2", "chest"),
    "patients of a study": lambda ledger, tx: tx.versions.patients_of_study("1.2"),
    "versions of an object": lambda ledger, tx: tx.versions.of_instance("1.2.3"),
    "whether bytes are known": lambda ledger, tx: tx.instances.outcome_if_known(received()),
    "images of a study": lambda ledger, tx: tx.instances.of_study("1.2"),
    "whether a file is on its way out": lambda ledger, tx: tx.removals.keep("00"),
    "images that go": lambda ledger, tx: tx.removals.mark_images("1.2", "age", NOW),
    "results that go": lambda ledger, tx: tx.removals.mark_results("1.2", "age", NOW),
    "a study that goes": lambda ledger, tx: tx.removals.drop_study("1.2", "age", NOW),
    "studies whose images may go": lambda ledger, tx: Candidates(t.HAS_IMAGES).next(tx, Before(NOW, NOW)),
    "studies whose results may go": lambda ledger, tx: Candidates(t.HAS_RESULTS).next(tx, Before(NOW, NOW)),
    "studies that may go": lambda ledger, tx: Candidates(sa.true()).next(tx, Before(NOW, NOW)),
    "studies that make room": lambda ledger, tx: Candidates(t.HAS_IMAGES).next(tx, Before(None, None)),
    "when the disk is full": lambda ledger, tx: forecast(tx, 1, NOW),
    "events of a study": lambda ledger, tx: tx.events.of_study("1.2"),
}


@pytest.mark.parametrize("asked", ASKED)
def test_no_table_that_grows_is_read_whole(asked: str, tmp_path: Path) -> None:
    plans = plan_of(tmp_path, ASKED[asked])

    assert plans, "nothing was asked"
    assert [line for line in plans if line.startswith("SCAN") and not any(map(line.count, IN_ORDER))] == []


def test_all_jobs_by_state_do_read_the_whole_table(tmp_path: Path) -> None:
    """The test above can see it: this one is asked by a person only."""
    assert any(line.startswith("SCAN hilum_job") for line in plan_of(tmp_path, lambda ledger, tx: tx.jobs.count()))


def plan_of(folder: Path, ask: Callable[[Ledger, Transaction], Any]) -> list[str]:
    """SQLite's plan of every statement that `ask` makes."""
    engine = open_database(default_url(folder))
    migrate(engine)
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if statement.startswith(("SELECT", "UPDATE", "INSERT", "DELETE")):
            asked.append((statement, parameters))

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        with Ledger(engine).transaction() as tx:
            ask(Ledger(engine), tx)
        sa.event.remove(engine, "before_cursor_execute", note)
        with engine.connect() as connection:
            return [
                row[3]
                for statement, parameters in asked
                for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            ]
    finally:
        engine.dispose()
