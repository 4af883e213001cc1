"""A list is whole in a file, fits a terminal, and never cuts what has to be copied."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scp_node.cli import listing, terminal
from scp_node.cli.listing import Listing
from scp_node.cli.terminal import agreed, cells_wide
from scp_node.errors import UsageError

UID = "1.2.826.0.1.3680043.8.498.12345678901234567890123456789012345678"
ERROR = "nothing listens on that port; is it running, are host and port right? " * 3


def shown(capsys: pytest.CaptureFixture[str], *rows: tuple[str, ...], width: int | None) -> list[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "terminal_width", lambda: width)
        table = Listing("state", "job", "error", ends_in_sentence=True)
        for row in rows:
            table.add(*row)
        table.show()
    return capsys.readouterr().out.splitlines()


def test_in_a_file_each_record_is_one_whole_line(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, ("dead", UID, ERROR.strip()), ("queued", "1.2", ""), width=None)
    assert lines == [f"state   {'job':64}  error", f"dead    {UID}  {ERROR.strip()}", f"queued  {'1.2':64}  -"]


@pytest.mark.parametrize("width", [20, 40, 79, 80, 100, 120, 200])
def test_on_a_terminal_it_fits_and_ids_are_whole(capsys: pytest.CaptureFixture[str], width: int) -> None:
    lines = shown(capsys, ("dead", UID, ERROR), width=width)
    assert any(UID in line for line in lines)
    assert max(map(len, lines)) <= max(width, len(UID) + len(listing.INDENT))
    assert any(line.endswith("...") for line in lines) and any("nothing" in line for line in lines)


def test_a_record_that_is_wide_enough_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("waiting", f"delivery:{number}", ERROR) for number in range(9)]
    assert len(shown(capsys, *rows, width=80)) == 10


def test_without_a_record_there_are_no_headers(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, width=80) == []


@given(st.lists(st.text(max_size=60), min_size=3, max_size=3), st.integers(10, 150))
def test_whatever_is_in_it_is_printable_and_as_wide_as_the_terminal_allows(fields: list[str], width: int) -> None:
    lines: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "terminal_width", lambda: width)
        patch.setattr(listing, "say", lambda text, style="": lines.append(text))
        table = Listing("a", "b", "c", ends_in_sentence=True)
        table.add(*fields)
        table.show()
    assert all(line.isprintable() for line in lines)
    widest = max(cells_wide(terminal.printable(field)) for field in fields[:2])
    assert max(map(cells_wide, lines)) <= max(width, widest + len(listing.INDENT), listing.SENTENCE_MIN + 4)


def test_where_nobody_can_be_asked_nothing_is_agreed(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path(os.devnull).open(encoding="utf-8") as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        with pytest.raises(UsageError, match=r"Cancel 3 jobs.*--yes"):
            agreed("Cancel 3 jobs?")
