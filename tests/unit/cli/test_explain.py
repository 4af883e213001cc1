"""`hilum explain` tells a study in plain words."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from scp_node.cli import build_app, explain
from scp_node.errors import NothingFound, UsageError
from scp_node.ledger.callers import CallerRecord, Tally
from scp_node.queries.study_story import story_of
from tests.support.ledger.ledgers import new_ledger, received
from tests.unit.queries.cases import read_only

STORY = """\
Study 1.2.3.1
  image 1.2.3.1.1: received 2026-03-01 13:00:00+01:00 from pacs; reported
    bright: probability 90.00 %, positive (threshold 50.00 %); right lung, lower zone
    dark: probability 25.00 %, negative (threshold 50.00 %)
    note: age unknown
  image 1.2.3.1.2: received 2026-03-01 13:00:05+01:00 from pacs; declined: not-frontal: View Position is LL
  report revision 1 (route chest, model tiny@1.0.0): built, covers 2 images
    heatmap 1.2.9.2
      to pacs: queued after 2 attempts, next at 2026-03-01 13:30:00+01:00; connection refused
    sr 1.2.9.1
      to pacs: committed after 1 attempt; pacs keeps it
      to viewer: dead after 1 attempt; refused for good
  job delivery:2: waiting after 2 attempts, due 2026-03-01 13:01:00+01:00
  job delivery:3: dead after 1 attempt: delivery-refused
  What happened:
    2026-03-01 13:00:00.000+01:00 received: 1000 bytes from pacs (MODALITY) [1.2.3.1.1]
    2026-03-01 13:00:05.000+01:00 received: 1000 bytes from pacs (MODALITY) [1.2.3.1.2]
    2026-03-01 13:00:06.000+01:00 judge: bright (12 ms) [1.2.3.1.1]
"""


@pytest.mark.parametrize("key", ["ACC1", "1.2.9.1", "1.2.3.1.2", " ACC1 ", "1.2.9", "3.1.2"])
def test_a_study_is_told_in_plain_words(hilum: Callable[..., Result], key: str) -> None:
    result = hilum("explain", key)
    assert result.exit_code == 0 and result.stdout == STORY
    assert ("begins or ends so" in result.stderr) is (key in ("1.2.9", "3.1.2"))


def test_a_study_is_one_object_in_json_with_times_in_utc(hilum: Callable[..., Result]) -> None:
    document = json.loads(hilum("explain", "ACC1", "--json").stdout)
    assert (document["about"], document["study_instance_uid"]) == ("study", "1.2.3.1")
    assert document["images"][0]["received_at"] == document["events"][0]["at"] == "2026-03-01T12:00:00.000Z"
    assert [one["name"] for one in document["images"][0]["findings"]] == ["bright", "dark"]
    (report,) = document["reports"]
    assert report["results"][0]["deliveries"][0]["detail"] == "connection refused"
    assert [job["job_id"] for job in document["jobs"] if job["state"] == "dead"] == ["delivery:3"]


def test_events_stand_in_the_order_of_time_and_name_what_is_damaged(hilum: Callable[..., Result], config: Path) -> None:
    ledger = new_ledger(config.parent)
    with ledger.transaction() as tx:
        tx.events.add("1.2.3.1", "1.2.3.1.1", "convert", "before", None, datetime(2026, 3, 1, 12, 0, 2, tzinfo=UTC))
        damaged = replace(
            received(3, 1), damage="an element is out of order", received_at=datetime(2030, 1, 1, tzinfo=UTC)
        )
        tx.instances.add(damaged)
    ledger.engine.dispose()
    told = hilum("explain", "ACC1").stdout.partition("What happened:")[2].splitlines()[1:]
    assert told == sorted(told) and "convert: before" in told[1]
    assert told[-1].endswith("1000 bytes from pacs (MODALITY); damage: an element is out of order [1.2.3.1.3]")


def test_what_was_never_received_is_nothing_found_and_says_what_came_last(hilum: Callable[..., Result]) -> None:
    error = hilum("explain", "nobody").exception
    assert isinstance(error, NothingFound)
    assert str(error) == (
        "nothing was received under nobody; the last images came from ward (MODALITY) at 2026-03-01 15:00:00+01:00"
    )
    assert "hilum studies" in error.further_lines[-1]


def test_where_nothing_ever_came_that_is_said(hilum: Callable[..., Result], config: Path) -> None:
    (config.parent / "ledger.db").unlink()
    new_ledger(config.parent).engine.dispose()
    assert str(hilum("explain", "nobody").exception).endswith("; no image has ever come")
    assert hilum("studies").stdout == "There is no such study.\n"


@pytest.mark.parametrize("words", [["--ae", "pacs"], ["pacs"], ["PACS"], ["--ae", "PACS"]])
def test_a_caller_is_told_in_plain_words(hilum: Callable[..., Result], config: Path, words: list[str]) -> None:
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
    record = CallerRecord("PACS", "HILLUM", "10.0.0.1", moment, moment)
    rejections = {"rejected 1/1/7: called AE title is not this node's": Tally(2, moment)}
    ledger = new_ledger(config.parent)
    with ledger.transaction() as tx:
        tx.callers.add([replace(record, rejections=rejections)])
    ledger.engine.dispose()
    result = hilum("explain", *words)
    assert result.exit_code == 0
    assert (
        result.stdout
        == """\
AE title PACS (in the configuration: pacs)
  from 10.0.0.1, calling HILLUM: first 2026-03-01 13:00:00+01:00, last 2026-03-01 13:00:00+01:00
    associations 0, of these without a message 0
    turned away 2 times, last 2026-03-01 13:00:00+01:00: rejected 1/1/7: called AE title is not this node's
  What to look at:
    - From 10.0.0.1 it called the AE title 'HILLUM', but this node is 'HILUM': correct it at the device, letter by \
letter.
"""
    )


@pytest.mark.parametrize("words", [["--ae", "\x1b[31mX"], ["\x1b[31mX"], ["--ae", "pacs"]])
def test_who_never_called_is_told_so(hilum: Callable[..., Result], words: list[str]) -> None:
    error = hilum("explain", *words).exception
    assert isinstance(error, NothingFound) and "the last images came from ward" in str(error)
    told = "\n".join([str(error), *error.further_lines])
    assert "No connection has named the AE title" in told and "firewall" in told


def test_a_caller_is_one_object_in_json(hilum: Callable[..., Result], config: Path) -> None:
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
    ledger = new_ledger(config.parent)
    with ledger.transaction() as tx:
        tx.callers.add([CallerRecord("CT1", "HILUM", "10.0.0.1", moment, moment, rejections={"no": Tally(2, moment)})])
    ledger.engine.dispose()
    document = json.loads(hilum("explain", "CT1", "--json").stdout)
    assert (document["about"], document["ae_title"]) == ("ae-title", "CT1")
    assert document["callers"][0]["rejections"] == {"no": {"times": 2, "last_at": "2026-03-01T12:00:00.000Z"}}


@pytest.mark.parametrize("words", [[], [""], [" "], ["--ae", ""], ["ACC1", "--ae", "PACS"]])
def test_nothing_or_two_things_asked_for_is_wrong_usage(hilum: Callable[..., Result], words: list[str]) -> None:
    assert isinstance(hilum("explain", *words).exception, UsageError)


def test_what_is_too_long_to_be_shown_is_said(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with read_only(config.parent) as ledger, ledger.reading() as tx:
        short = story_of(tx, "1.2.3.1", rows_max=2)
    monkeypatch.setattr(explain, "story_of", lambda tx, uid: short)
    result = CliRunner().invoke(build_app("explain"), ["explain", "ACC1", "--config", str(config)])
    assert result.stdout.splitlines()[-1].startswith("  Not everything is shown: ")


def test_more_studies_than_can_be_shown_are_said_to_be_there(
    hilum: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explain, "studies_named", lambda tx, key, limit: ("1.2.3.1", "1.2.3.2", "1.2.3.3")[:limit])
    monkeypatch.setattr(explain, "STUDIES_MAX", 2)
    told = [line for line in hilum("explain", "ACC").stdout.splitlines() if not line.startswith(" ")]
    assert told == ["Study 1.2.3.1", "Study 1.2.3.2", "There are more than 2 studies under ACC."]


def test_a_node_that_has_never_run_has_nothing_to_tell(tmp_path: Path) -> None:
    pacs = {"ae_title": "PACS", "host": "127.0.0.1", "port": 104, "may_send": True}
    node = {"ae_title": "HILUM", "data_dir": str(tmp_path / "data")}
    path = tmp_path / "node.yaml"
    routes = [{"name": "chest", "model": "tiny", "to": ["pacs"]}]
    path.write_text(json.dumps({"node": node, "remote_aes": {"pacs": pacs}, "routes": routes}))
    result = CliRunner().invoke(build_app("explain"), ["explain", "ACC1", "--config", str(path)])
    assert isinstance(result.exception, UsageError) and "has 'hilum serve' run" in str(result.exception)
    assert not (tmp_path / "data").exists()
