"""Moments are shown in local time with their distance from UTC, and named by a few words."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scp_node.cli.moments import local, moment_named
from scp_node.errors import UsageError

NOW = datetime(2026, 3, 1, 2, 30, 15, tzinfo=UTC)  # 03:30:15 on the clocks of these tests


def test_a_moment_is_shown_in_local_time_with_its_distance_from_utc() -> None:
    assert local(NOW) == "2026-03-01 03:30:15+01:00"
    assert local(NOW + timedelta(days=90, microseconds=1500), "milliseconds") == "2026-05-30 04:30:15.001+02:00"
    assert local(None) == "-"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("90m", "2026-03-01 02:00:15+01:00"),
        ("2h", "2026-03-01 01:30:15+01:00"),
        ("3d", "2026-02-26 03:30:15+01:00"),
        ("1w", "2026-02-22 03:30:15+01:00"),
        ("today", "2026-03-01 00:00:00+01:00"),
        ("Yesterday", "2026-02-28 00:00:00+01:00"),
        ("03:00", "2026-03-01 03:00:00+01:00"),
        ("3:00", "2026-03-01 03:00:00+01:00"),
        ("22:00", "2026-02-28 22:00:00+01:00"),  # the last one that there was
        ("22:00:05", "2026-02-28 22:00:05+01:00"),
        ("2026-02-03", "2026-02-03 00:00:00+01:00"),
        ("2026-07-03", "2026-07-03 00:00:00+02:00"),
        ("2026-02-03T04:05", "2026-02-03 04:05:00+01:00"),
        ("2026-02-03 04:05:06", "2026-02-03 04:05:06+01:00"),
        ("2026-02-03T04:05Z", "2026-02-03 05:05:00+01:00"),
        ("2026-02-03 04:05:06 -05:00", "2026-02-03 10:05:06+01:00"),
        ("2026-02-03 04:05:06.250+00:00", "2026-02-03 05:05:06+01:00"),
        (" 2h ", "2026-03-01 01:30:15+01:00"),
    ],
)
def test_a_moment_is_named_by_a_few_words(text: str, named: str) -> None:
    assert local(moment_named("--since", text, NOW)) == named


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "soon", "2", "h", "-2h", "2y", "2 h", "999999d", "999999w", "25:00", "12:60", "1:2", "tomorrow"),
        *(
            "2026-02-30",
            "2026-13-01",
            "2026-2-3",
            "20260203",
            "26-02-03",
            "2026-02-03T25:00",
            "2026-W05-1",
            "0000-01-01",
        ),
        *(
            "2026-02-03T04:05+99:00",
            "9999-12-31T23:59-23:59",
            "0001-01-01T00:00+23:59",
            "2026-02-03\x00",
            "2026-02-03T",
        ),
    ],
)
def test_what_names_no_moment_is_wrong_usage_and_shows_how_to_write_one(text: str) -> None:
    with pytest.raises(UsageError, match=r"--until .* is no moment: write .*2h, 3d.*yesterday.*2026-01-31"):
        moment_named("--until", text, NOW)


def test_clocks_that_are_put_forward_take_no_hour_from_a_span_and_no_midnight_from_a_day() -> None:
    after = datetime(2026, 3, 29, 10, tzinfo=UTC)  # clocks went from 2 to 3 that night
    assert local(moment_named("--since", "24h", after)) == "2026-03-28 11:00:00+01:00"
    assert local(moment_named("--since", "today", after)) == "2026-03-29 00:00:00+01:00"


@given(st.integers(-(10**9), 4 * 10**9))
def test_what_is_shown_can_be_typed_again(seconds: int) -> None:
    whole = datetime.fromtimestamp(seconds, UTC)
    assert moment_named("--since", local(whole), NOW) == whole


@given(st.text())
def test_any_text_is_a_moment_or_wrong_usage(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert moment_named("--since", text, NOW).tzinfo is not None
