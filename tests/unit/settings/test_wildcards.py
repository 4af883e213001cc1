"""Patterns over header values match as a shell's do and take little time; wrong ones are told with their place."""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scp_node.errors import ConfigurationError
from scp_node.settings.file import load_settings
from scp_node.settings.routes import PATTERN_KEYS
from scp_node.settings.wildcards import PATTERN_CHARS_MAX, PATTERNS_MAX, matches

TEXTS, PATTERNS = st.text("aAbß. ", max_size=12), st.text("aAbß.?* ", max_size=8)
FILE = """\
node: {{ae_title: HILUM}}
remote_aes:
  pacs: {{ae_title: ORTHANC, host: 127.0.0.1, port: 4242, may_send: true}}
routes:
  - name: chest
    model: pneumonia
    to: [pacs]
    when: {{{when}}}
"""


@pytest.mark.parametrize(
    ("text", "pattern", "is_matched"),
    [
        ("ER-ROOM-1", "er-*", True),
        ("ER-ROOM-1", "ROOM", False),
        ("ER-ROOM-1", "*room*", True),
        ("ER-ROOM-1", "ER-ROOM-?", True),
        ("ER-ROOM-12", "ER-ROOM-?", False),
        ("Klinikum München", "*MÜNCHEN", True),
        ("Klinikum Mu\u0308nchen", "*münchen", True),
        ("X[1]", "x[1]", True),
        ("X1", "x[1]", False),
        ("a.b", "a.b", True),
        ("axb", "a.b", False),
        ("", "*", True),
        ("", "?", False),
        ("anything", "**", True),
    ],
)
def test_the_whole_value_counts_in_capitals_or_not(text: str, pattern: str, is_matched: bool) -> None:
    assert matches(text, pattern) is is_matched


@given(TEXTS, PATTERNS)
def test_patterns_mean_what_they_mean_to_the_standard_library(text: str, pattern: str) -> None:
    assert matches(text, pattern) is fnmatch.fnmatchcase(text.casefold(), pattern.casefold())


@given(st.text(max_size=80))
def test_a_value_is_matched_by_itself_and_by_any_of_its_parts_between_asterisks(text: str) -> None:
    plain = re.sub(r"[*?]", "x", text)
    assert matches(plain, plain)
    assert all(matches(plain, f"*{plain[start : start + 5]}*") for start in range(len(plain)))


def test_what_stops_regular_expressions_for_ever_is_answered() -> None:
    """With backtracking over every asterisk this would outlast whoever waits for it."""
    assert not matches("a" * 4000, "*a" * (PATTERN_CHARS_MAX // 2 - 1) + "*b")
    assert not matches("ab" * 2000, "*a?" * (PATTERN_CHARS_MAX // 3 - 1) + "c")


def problem(folder: Path, when: str) -> str:
    file = folder / "node.yaml"
    file.write_text(FILE.format(when=when), encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(file)
    return str(caught.value).replace(f"{file}:", "")


@pytest.mark.parametrize("key", PATTERN_KEYS)
@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ('""', "a pattern has 1 to 64 characters, this one has 0"),
        (f'"{"x" * 65}"', "a pattern has 1 to 64 characters, this one has 65"),
        ('" ER*"', "blanks at either end of a value do not count"),
        ('"ER*\\t1"', "no value holds a backslash or a control character"),
        ('"ER\\\\d+"', "no value holds a backslash or a control character"),
        ('"^ER.*"', "looks like a regular expression; * stands for any characters"),
        ('"ER.*$"', "looks like a regular expression"),
    ],
)
def test_a_wrong_pattern_is_told_with_its_place_and_why(tmp_path: Path, key: str, pattern: str, why: str) -> None:
    told = problem(tmp_path, f'{key}: ["ok*", {pattern}]')
    assert told.startswith("8:") and f"routes[0].when.{key}[1]: " in told and why in told


def test_too_many_patterns_repeated_ones_and_ages_that_contradict_each_other_are_told(tmp_path: Path) -> None:
    many = ", ".join(f"a{number}" for number in range(PATTERNS_MAX + 1))
    assert "routes[0].when.station_name" in problem(tmp_path, f"station_name: [{many}]")
    assert "'ER*' is listed twice" in problem(tmp_path, "station_name: [ER*, ER*]")
    assert "max_years: is less than min_years" in problem(tmp_path, "patient_age: {min_years: 18, max_years: 17}")
    assert "must be at least 0" in problem(tmp_path, "patient_age: {min_years: -1}")
