"""`hilum erase`: what will go is shown and asked about, and how it ended is an exit code."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from typer.testing import Result

from scp_node.cli import erase as erasing
from scp_node.errors import NothingFound, UsageError


def test_a_study_is_shown_and_erased(hilum: Callable[..., Result]) -> None:
    done = hilum("erase", "--study", "1.2.3.1", "--yes")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    study, day, _, *numbers = lines[1].split()
    assert (study, day, numbers) == ("1.2.3.1", "2026-03-01", ["2", "2", "1"])
    assert "Results at pacs: 1. They stay there; erase them at the archive, too." in lines
    assert lines[-1].startswith("Erased. Images: 2, results: 2, files: ")
    assert isinstance(hilum("erase", "--study", "1.2.3.1", "--yes").exception, NothingFound)


def test_without_a_yes_nothing_is_erased(hilum: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(hilum("erase", "--study", "1.2.3.1").exception, UsageError), "nobody can be asked here"
    monkeypatch.setattr(erasing, "agreed", lambda question: False)
    said = hilum("erase", "--study", "1.2.3.1")
    assert said.exit_code == 1 and "Nothing was erased." in said.stdout
    assert hilum("erase", "--study", "1.2.3.1", "--yes").exit_code == 0


@pytest.mark.parametrize(
    "words", [(), ("--study", "1.2.3.1", "--patient", "1"), ("--study", "1.2.3.1", "--issuer", "X"), ("--issuer", "X")]
)
def test_what_is_to_go_is_named_in_one_way(hilum: Callable[..., Result], words: tuple[str, ...]) -> None:
    error = hilum("erase", "--yes", *words).exception
    assert isinstance(error, UsageError) and error.exit_code == 2


def test_a_patient_that_is_not_there_is_not_found(hilum: Callable[..., Result]) -> None:
    error = hilum("erase", "--patient", "NOBODY", "--yes").exception
    assert isinstance(error, NothingFound) and error.exit_code == 4
