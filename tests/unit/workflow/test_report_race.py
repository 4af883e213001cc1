"""However many workers report a study at once, it has one report."""

from __future__ import annotations

from pathlib import Path

from tests.support.ledger.report_race import RaceOutcome, race
from tests.support.ledger.studies import worker_services


def test_two_jobs_that_report_a_study_at_once_make_one_report(database: str, tmp_path: Path) -> None:
    with worker_services(tmp_path) as services:
        assert race(services, studies=4) == RaceOutcome([], [], [])
