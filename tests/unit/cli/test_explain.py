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
from scp_node.errors import UsageError
from scp_node.ledger.callers import CallerRecord, Tally
from scp_node.queries.study_story import story_of
from tests.support.ledger.ledgers import new_ledger
from tests.unit.queries.cases import read_only

STORY = """\
Study 1.2.3.1
  image 1.2.3.1.1: received 2026-03-01 12:00:00 UTC from pacs; reported
    bright: probability 90.00 %, positive (threshold 50.00 %)
    dark: probability 25.00 %, negative (threshold 50.00 %)
    note: age unknown
  image 1.2.3.1.2: received 2026-03-01 12:00:05 UTC from pacs; declined: not-frontal: View Position is LL
  report revision 1 (route chest, model tiny@1.0.0): built, covers 2 images
    heatmap 1.2.9.2
      to pacs: queued after 2 attempts, next at 2026-03-01 12:30:00 UTC; connection refused
    sr 1.2.9.1
      to pacs: committed after 1 attempt; pacs keeps it
      to viewer: dead after 1 attempt; refused for good
  job delivery:2: waiting, attempt 1
  job delivery:3: dead, attempt 1: delivery-refused
  What happened, in UTC:
    12:00:00.000 received: 1000 bytes from pacs (MODALITY) [1.2.3.1.1]
    12:00:05.000 received: 1000 bytes from pacs (MODALITY) [1.2.3.1.2]
    12:00:06.000 judge: bright (12 ms) [1.2.3.1.1]
"""


@pytest.mark.parametrize("key", ["ACC1", "1.2.9.1"])
def test_a_study_is_told_in_plain_words(hilum: Callable[..., Result], key: str) -> None:
    result = hilum("explain", key)
    assert result.exit_code == 0 and result.stdout == STORY


def test_what_was_never_received_is_wrong_usage(hilum: Callable[..., Result]) -> None:
    error = hilum("explain", "nobody").exception
    assert isinstance(error, UsageError) and str(error).startswith("nothing was received under nobody")


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
  from 10.0.0.1, calling HILLUM: first 2026-03-01 12:00:00, last 2026-03-01 12:00:00 UTC
    associations 0, of these without a message 0
    turned away 2 times, last 2026-03-01 12:00:00 UTC: rejected 1/1/7: called AE title is not this node's
  What to look at:
    - From 10.0.0.1 it called the AE title 'HILLUM', but this node is 'HILUM': correct it at the device, letter by \
letter.
"""
    )


@pytest.mark.parametrize("words", [["--ae", "\x1b[31mX"], ["\x1b[31mX"], ["--ae", "pacs"]])
def test_who_never_called_is_told_so(hilum: Callable[..., Result], words: list[str]) -> None:
    error = hilum("explain", *words).exception
    assert isinstance(error, UsageError)
    told = "\n".join([str(error), *error.further_lines])
    assert "No connection ever named the AE title" in told and "firewall" in told


def test_nothing_asked_for_is_wrong_usage(hilum: Callable[..., Result]) -> None:
    assert isinstance(hilum("explain").exception, UsageError)


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
