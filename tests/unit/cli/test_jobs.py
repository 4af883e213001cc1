"""`hilum jobs`: what waits and what has failed is listed, shown, retried and cancelled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from scp_node.errors import UsageError
from scp_node.ledger import Ledger
from scp_node.ledger.database import open_database
from scp_node.settings.places import default_url


def states(config: Path) -> dict[str, str]:
    engine = open_database(default_url(config.parent))
    with Ledger(engine).reading() as tx:
        jobs = tx.jobs.in_states(("queued", "waiting", "running", "dead", "done"), 100)
    engine.dispose()
    return {job.job_id: job.state for job in jobs}


def test_jobs_that_are_not_done_are_listed_with_a_count_of_all(hilum: Callable[..., Result]) -> None:
    lines = hilum("jobs", "list").stdout.splitlines()
    assert [line.split()[:2] for line in lines[1:4]] == [
        ["delivery:2", "waiting"],
        ["delivery:3", "dead"],
        ["image:1.2.3.3.1", "queued"],
    ]
    assert lines[-1] == "1 delivery dead, 1 delivery done, 1 delivery waiting, 3 image done, 1 image queued"


def test_jobs_are_listed_by_state_up_to_a_limit(hilum: Callable[..., Result]) -> None:
    assert len(hilum("jobs", "list", "--state", "done", "--limit", "2").stdout.splitlines()) == 4
    assert "delivery:3" in hilum("jobs", "list", "--state", "dead").stdout
    error = hilum("jobs", "list", "--state", "odd").exception
    assert isinstance(error, UsageError) and "states are queued, waiting, running, dead, done" in str(error)


def test_everything_of_one_job_is_shown(hilum: Callable[..., Result]) -> None:
    lines = hilum("jobs", "show", "delivery:3").stdout.splitlines()
    assert lines[0].split() == ["job_id", "delivery:3"] and "error                delivery-refused" in lines
    assert lines[-1] == "events of the study  3; see: hilum explain 1.2.3.1"
    assert isinstance(hilum("jobs", "show", "delivery:9").exception, UsageError)


def test_dead_letters_and_named_jobs_are_queued_again_once_each(hilum: Callable[..., Result], config: Path) -> None:
    result = hilum("jobs", "retry", "delivery:2", "--dead", "delivery:2")
    assert result.stdout.splitlines() == ["delivery:2: queued again", "delivery:3: queued again"]
    assert states(config)["delivery:3"] == "waiting"
    error = hilum("jobs", "retry", "--dead").exception
    assert isinstance(error, UsageError) and str(error) == "there are no dead letters"


def test_a_job_that_cannot_be_retried_ends_the_command_after_those_before_it(
    hilum: Callable[..., Result], config: Path
) -> None:
    result = hilum("jobs", "retry", "delivery:2", "delivery:1", "delivery:3")
    assert result.stdout == "delivery:2: queued again\n"
    assert isinstance(result.exception, UsageError) and "delivery:1 is done" in str(result.exception)
    assert states(config)["delivery:3"] == "dead"


def test_a_retry_without_a_job_is_wrong_usage(hilum: Callable[..., Result]) -> None:
    error = hilum("jobs", "retry").exception
    assert isinstance(error, UsageError) and str(error) == "name at least one job, or use --dead"


def test_a_queued_job_is_cancelled(hilum: Callable[..., Result], config: Path) -> None:
    assert hilum("jobs", "cancel", "image:1.2.3.3.1").stdout == "image:1.2.3.3.1: cancelled\n"
    assert states(config)["image:1.2.3.3.1"] == "dead"


@pytest.mark.parametrize("comment", ["[/var/pacs] is full", "[red]x", "a[0] \\[b]"])
def test_what_an_archive_has_answered_is_text_and_no_markup(
    hilum: Callable[..., Result], config: Path, comment: str
) -> None:
    engine = open_database(default_url(config.parent))
    with Ledger(engine).transaction() as tx:
        tx.jobs.update("delivery:3", error=comment)
    engine.dispose()
    result = hilum("jobs", "list")
    assert result.exception is None and comment in result.stdout
