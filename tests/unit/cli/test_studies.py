"""`hilum studies` lists what came, the newest last, and in a few words what became of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from typer.testing import Result

from scp_node.cli import listing
from scp_node.cli.studies import DELIVERED, STATES, results_in_words
from scp_node.errors import UsageError
from scp_node.ledger.records import DeliveryState, InstanceState
from scp_node.queries.studies import StudySummary
from tests.unit.queries.cases import NOON


def test_each_study_is_one_whole_line(hilum: Callable[..., Result]) -> None:
    lines = [line.split("  ") for line in hilum("studies").stdout.splitlines()]
    fields = [[field.strip() for field in line if field] for line in lines]
    assert fields == [
        ["received", "accession", "source", "images", "declined", "positive", "results", "study"],
        [
            *("2026-03-01 13:00:00+01:00", "ACC1", "pacs", "1 declined, 1 reported", "not-frontal", "bright 90.00 %"),
            *("1 confirmed, 1 to be sent, 1 given up", "1.2.3.1"),
        ],
        ["2026-03-01 14:00:00+01:00", "ACC2", "pacs", "1 quarantined", "undecodable", "-", "none", "1.2.3.2"],
        ["2026-03-01 15:00:00+01:00", "ACC3", "ward", "1 received", "-", "-", "being analysed", "1.2.3.3"],
    ]


def test_in_json_each_study_is_an_object_with_times_in_utc(hilum: Callable[..., Result]) -> None:
    first, _, last = (json.loads(line) for line in hilum("studies", "--json").stdout.splitlines())
    assert first == {
        "study_instance_uid": "1.2.3.1",
        "accession_number": "ACC1",
        "first_received_at": "2026-03-01T12:00:00.000Z",
        "sources": ["pacs"],
        "images": {"declined": 1, "reported": 1},
        "declines": ["not-frontal"],
        "positives": {"bright": 0.9},
        "deliveries": {"committed": 1, "queued": 1, "dead": 1},
        "dead_jobs": 1,
    }
    assert last["study_instance_uid"] == "1.2.3.3"


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (["--since", "2026-03-01 13:30"], "23"),
        (["--until", "2026-03-01T13:30"], "1"),
        (["--since", "2026-03-01 13:00:00+01:00", "--until", "2026-03-01T13:00Z"], "1"),
        (["--since", "2h"], ""),
        (["--state", "declined"], "1"),
        (["--source", "ward"], "3"),
        (["--declined"], "12"),
        (["--code", "undecodable"], "2"),
        (["--positive"], "1"),
        (["--finding", "Bright"], "1"),
        (["--finding", "dark"], ""),
        (["--dead"], "1"),
        (["--accession", "ACC1", "--accession", "ACC3"], "13"),
        (["--limit", "2"], "23"),
    ],
    ids=" ".join,
)
def test_studies_are_listed_by_what_is_asked_for(hilum: Callable[..., Result], words: list[str], numbers: str) -> None:
    documents = [json.loads(line) for line in hilum("studies", "--json", *words).stdout.splitlines()]
    assert [one["accession_number"] for one in documents] == [f"ACC{number}" for number in numbers]


def test_no_such_study_is_a_sentence_and_no_failure(hilum: Callable[..., Result]) -> None:
    result = hilum("studies", "--accession", "ACC9")
    assert (result.exit_code, result.stdout) == (0, "There is no such study.\n")
    assert hilum("studies", "--accession", "ACC9", "--json").stdout == ""


@pytest.mark.parametrize("words", [["--state", "odd"], ["--since", "soon"], ["--until", "2026-02-30"]])
def test_what_means_nothing_is_wrong_usage(hilum: Callable[..., Result], words: list[str]) -> None:
    assert isinstance(hilum("studies", *words).exception, UsageError)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_on_a_terminal_it_fits_and_the_study_can_be_copied(
    hilum: Callable[..., Result], config: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setattr(listing, "terminal_width", lambda: width)
    shown = hilum("studies").stdout
    assert all(len(line) <= width for line in shown.splitlines())
    assert all(uid in shown for uid in ("1.2.3.1", "1.2.3.2", "1.2.3.3", "1 confirmed, 1 to be sent, 1 given up"))


@pytest.mark.parametrize(
    ("images", "deliveries", "dead_jobs", "words"),
    [
        ({"received": 1, "inferred": 1}, {}, 0, "being analysed"),
        ({"inferred": 1}, {}, 0, "being reported"),
        ({"inferred": 1}, {}, 1, "being reported, 1 job given up"),
        ({"quarantined": 1}, {}, 2, "none, 2 jobs given up"),
        ({"reported": 1}, {"failed": 2, "sent": 1}, 0, "1 sent, 2 waiting"),
        ({"reported": 1}, {"dead": 2}, 2, "2 given up"),
        ({"reported": 1}, {"committed": 2}, 1, "2 confirmed, 1 job given up"),
    ],
)
def test_how_far_the_results_have_come_is_told_in_words(
    images: Mapping[InstanceState, int], deliveries: Mapping[DeliveryState, int], dead_jobs: int, words: str
) -> None:
    study = StudySummary("1.2", "A", NOON, (), images, (), {}, deliveries, dead_jobs)
    assert results_in_words(study) == words


def test_every_state_has_its_words() -> None:
    assert set(DELIVERED) == {"queued", "sent", "committed", "failed", "dead"}
    assert set(STATES) == {"received", "declined", "quarantined", "inferred", "reported"}
