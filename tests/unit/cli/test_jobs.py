"""`hilum jobs`: what waits and what has failed is listed, shown, retried and cancelled."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import Result

from scp_node.cli import jobs
from scp_node.errors import NothingFound, UsageError
from scp_node.ledger import Ledger, NewResult
from scp_node.ledger import tables as t
from scp_node.ledger.database import open_database
from scp_node.settings.places import default_url
from tests.unit.queries.cases import NOON, SR_CLASS, enter_job

REFUSED = "pacs (PACS@127.0.0.1:104): nothing listens on that port; is it running, are host and port right?"


def outage(config: Path, count: int) -> None:
    """So many more deliveries to pacs that wait because it is away."""
    engine = open_database(default_url(config.parent))
    with Ledger(engine).transaction() as tx:
        report = tx.connection.execute(sa.select(sa.func.min(t.report.c.id))).scalar_one()
        for number in range(3000, 3000 + count):
            tx.results.add(report, NewResult(f"1.2.9.{number}", SR_CLASS, "1.2.9", "sr", "aa", 10, "00"))
            values = {"id": number, "result_uid": f"1.2.9.{number}", "destination": "pacs", "state": "failed"}
            tx.connection.execute(sa.insert(t.delivery).values(**values, attempts=9, created_at=NOON, detail=REFUSED))
            enter_job(tx, f"delivery:{number}", "delivery", str(number), "1.2.3.1", "deliver-pacs", NOON)
            tx.jobs.update(f"delivery:{number}", state="waiting", error=REFUSED)
    engine.dispose()


def states(config: Path) -> dict[str, str]:
    engine = open_database(default_url(config.parent))
    with Ledger(engine).reading() as tx:
        found = tx.jobs.in_states(("queued", "waiting", "running", "dead", "done"), 100)
    engine.dispose()
    return {job.job_id: job.state for job in found}


def test_jobs_that_are_not_done_are_listed_with_how_many_wait_for_which_reason(hilum: Callable[..., Result]) -> None:
    lines = hilum("jobs", "list").stdout.splitlines()
    assert [line.split()[0::5] for line in lines[1:4]] == [
        ["waiting", "delivery:2"],
        ["dead", "delivery:3"],
        ["queued", "image:1.2.3.3.1"],
    ]
    assert lines[4:] == [
        "1 delivery to pacs waits; next at 2026-03-01 13:01:00+01:00",
        "1 delivery to viewer is dead: delivery-refused",
        "1 image to analyse is queued; next at 2026-03-01 15:00:00+01:00",
    ]


@pytest.mark.parametrize(
    ("words", "listed"),
    [
        ([], ["delivery:2", "delivery:3", "image:1.2.3.3.1"]),
        (["--state", "dead"], ["delivery:3"]),
        (["--state", "dead", "--state", "queued"], ["delivery:3", "image:1.2.3.3.1"]),
        (["--state", "done", "--limit", "2"], ["delivery:1", "image:1.2.3.2.1"]),
        (["--kind", "image"], ["image:1.2.3.3.1"]),
        (["--to", "viewer"], ["delivery:3"]),
        (["--study", "ACC3"], ["image:1.2.3.3.1"]),
        (["--study", "3.1", "--to", "pacs"], ["delivery:2"]),
        (["--to", "pacs", "--kind", "commitment"], []),
    ],
    ids=" ".join,
)
def test_jobs_are_listed_by_what_is_asked_for_as_table_and_in_json(
    hilum: Callable[..., Result], words: list[str], listed: list[str]
) -> None:
    documents = [json.loads(line) for line in hilum("jobs", "list", "--json", *words).stdout.splitlines()]
    assert [one["job_id"] for one in documents] == listed
    for one in documents:
        assert set(one) >= {
            "job_id",
            "kind",
            "state",
            "attempt",
            "due_at",
            "error",
            "study_instance_uid",
            "destination",
        }
        assert one["due_at"].endswith("Z")
    table = hilum("jobs", "list", *words).stdout.splitlines()
    assert [line.split()[5] for line in table[1 : 1 + len(listed)]] == listed
    assert listed or table == ["There is no such job."]


def test_an_outage_is_told_by_its_cause(hilum: Callable[..., Result], config: Path) -> None:
    outage(config, 412)
    lines = hilum("jobs", "list", "--by-cause", "--to", "pacs").stdout.splitlines()
    assert lines == [
        f"412 deliveries to pacs wait: {REFUSED}; next at 2026-03-01 13:00:00+01:00",
        "1 delivery to pacs waits; next at 2026-03-01 13:01:00+01:00",
    ]
    (cause, _) = (
        json.loads(line)
        for line in hilum("jobs", "list", "--by-cause", "--json", "--to", "pacs").stdout.split("\n")[:2]
    )
    assert (cause["jobs"], cause["destination"], cause["due_at"]) == (412, "pacs", "2026-03-01T12:00:00.000Z")
    table = hilum("jobs", "list", "--to", "pacs").stdout.splitlines()
    assert len(table) == 1 + 50 + 2 and table[-2] == lines[0], "a line a job, and how many there are"


@pytest.mark.parametrize("words", [["--state", "odd"], ["--kind", "odd"], ["--to", "nobody"], ["--study", ""]])
def test_what_does_not_exist_is_wrong_usage(hilum: Callable[..., Result], words: list[str]) -> None:
    assert isinstance(hilum("jobs", "list", *words).exception, UsageError)


@pytest.mark.parametrize("job_id", ["delivery:3", "y:3"])
def test_everything_of_one_job_is_shown(hilum: Callable[..., Result], job_id: str) -> None:
    lines = hilum("jobs", "show", job_id).stdout.splitlines()
    assert lines[0].split() == ["job_id", "delivery:3"] and "error                delivery-refused" in lines
    assert "due_at               2026-03-01 13:01:00+01:00" in lines
    assert lines[-1] == "events of the study  3; see: hilum explain 1.2.3.1"
    document = json.loads(hilum("jobs", "show", job_id, "--json").stdout)
    assert (document["job_id"], document["events"], document["due_at"]) == ("delivery:3", 3, "2026-03-01T12:01:00.000Z")
    assert isinstance(hilum("jobs", "show", "delivery:9").exception, NothingFound)


@pytest.mark.parametrize(
    ("words", "retried"),
    [
        (["delivery:2", "y:3", "delivery:2"], ["delivery:2", "delivery:3"]),
        (["--all"], ["delivery:2", "delivery:3"]),
        (["--dead"], ["delivery:3"]),
        (["--to", "pacs"], ["delivery:2"]),
        (["--to", "viewer"], ["delivery:3"]),
        (["--kind", "delivery"], ["delivery:2", "delivery:3"]),
        (["--study", "ACC1"], ["delivery:2", "delivery:3"]),
        (["--study", "ACC1", "--dead"], ["delivery:3"]),
        (["--study", "ACC3"], []),
        (["--dead", "--to", "pacs"], []),
    ],
    ids=" ".join,
)
def test_jobs_are_tried_again_by_name_or_by_what_they_are(
    hilum: Callable[..., Result], config: Path, words: list[str], retried: list[str]
) -> None:
    before = states(config)
    result = hilum("jobs", "retry", *words)
    assert result.exit_code == 0
    told = [f"{job_id}: tried again now" for job_id in retried] or ["Nothing to retry: there is no such job."]
    assert result.stdout.splitlines() == told
    assert states(config) == before | dict.fromkeys(retried, "waiting")


def test_an_archive_that_is_back_gets_what_waits_for_it_and_what_was_given_up_but_no_new_question(
    hilum: Callable[..., Result], config: Path
) -> None:
    outage(config, 300)
    engine = open_database(default_url(config.parent))
    with Ledger(engine).transaction() as tx:
        tx.jobs.update("delivery:3007", state="dead")
        enter_job(tx, "commitment:1:1", "commitment", "1", "1.2.3.1", "commit-pacs", NOON)
        tx.jobs.update("commitment:1:1", state="waiting")
    engine.dispose()
    result = hilum("jobs", "retry", "--to", "pacs")
    assert result.stdout == "301 jobs: tried again now\n"
    engine = open_database(default_url(config.parent))
    with Ledger(engine).reading() as tx:
        jobs = {job.job_id: job for job in tx.jobs.in_states(("waiting",), 1000)}
    engine.dispose()
    assert len([job for job in jobs.values() if job.due_at > NOON + timedelta(days=1)]) == 301
    assert jobs["delivery:3007"].attempt == 2 and jobs["commitment:1:1"].due_at == NOON


def test_a_job_that_cannot_be_retried_ends_the_command_after_those_before_it(
    hilum: Callable[..., Result], config: Path
) -> None:
    result = hilum("jobs", "retry", "delivery:2", "delivery:1", "delivery:3")
    assert result.stdout == "delivery:2: tried again now\n"
    assert isinstance(result.exception, UsageError) and "delivery:1 is done" in str(result.exception)
    assert states(config)["delivery:3"] == "dead"


def test_nothing_is_changed_when_one_of_the_names_is_nobodys(hilum: Callable[..., Result], config: Path) -> None:
    before = states(config)
    assert isinstance(hilum("jobs", "retry", "delivery:2", "delivery:99").exception, NothingFound)
    assert states(config) == before


@pytest.mark.parametrize("verb", ["retry", "cancel"])
@pytest.mark.parametrize("words", [[], ["delivery:2", "--all"], ["delivery:2", "--to", "pacs"], [""]])
def test_neither_names_nor_options_or_both_are_wrong_usage(
    hilum: Callable[..., Result], verb: str, words: list[str]
) -> None:
    assert isinstance(hilum("jobs", verb, *words).exception, UsageError)


def test_a_queued_job_is_cancelled(hilum: Callable[..., Result], config: Path) -> None:
    assert hilum("jobs", "cancel", "3.3.1").stdout == "image:1.2.3.3.1: cancelled\n"
    assert states(config)["image:1.2.3.3.1"] == "dead"
    assert hilum("jobs", "cancel", "--kind", "image").stdout == "Nothing to cancel: there is no such job.\n"


def test_several_jobs_are_cancelled_only_when_a_person_agrees(
    hilum: Callable[..., Result], config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = states(config)
    error = hilum("jobs", "cancel", "--all").exception
    assert isinstance(error, UsageError) and str(error) == "Cancel 2 jobs? Nobody can be asked here: say --yes"
    monkeypatch.setattr(jobs, "agreed", lambda question: False)
    assert hilum("jobs", "cancel", "--all").stdout == "Nothing was cancelled.\n"
    assert states(config) == before
    told = hilum("jobs", "cancel", "--all", "--yes").stdout.splitlines()
    assert told == ["delivery:2: cancelled", "image:1.2.3.3.1: cancelled"]
    assert states(config)["delivery:2"] == states(config)["image:1.2.3.3.1"] == "dead"


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
