"""What a peer may take, told without a clock."""

from __future__ import annotations

import math
from typing import Any

import pytest

from scp_node.receive.deadlines import Deadlines
from scp_node.settings import Receiver


def deadlines(**limits: Any) -> Deadlines:
    wide = {"idle_timeout_s": 1000, "pdu_timeout_s": 1000, "message_timeout_s": 1000, "bytes_per_s_min": 0}
    return Deadlines(Receiver(**wide | limits))


def test_before_anything_is_heard_nothing_is_due() -> None:
    one = deadlines()
    assert one.left_s == math.inf
    assert one.overstepped(10_000) == ""


def test_silence_is_bounded_and_any_byte_ends_it() -> None:
    one = deadlines(idle_timeout_s=10)
    one.heard(0)
    assert one.overstepped(9) == "" and one.left_s == 1
    one.heard(1)
    assert one.left_s == 10
    assert one.overstepped(9) == ""
    assert one.overstepped(1) == "idle_timeout_s: nothing came for 10 s"


def test_a_pdu_is_bounded_as_a_whole() -> None:
    one = deadlines(pdu_timeout_s=5)
    one.heard(3)
    one.pdu_began()
    for _ in range(4):
        assert one.overstepped(1) == ""
        one.heard(1)
    assert one.overstepped(1).startswith("pdu_timeout_s")
    one.pdu_ended()
    assert one.overstepped(100) == ""


def test_a_message_is_bounded_as_a_whole() -> None:
    one = deadlines(message_timeout_s=5)
    one.message_began()
    for _ in range(4):
        assert one.overstepped(1) == ""
        one.heard(10**6)
    assert one.overstepped(1).startswith("message_timeout_s")
    one.message_ended()
    assert one.left_s > 900


def rates(one: Deadlines, bytes_each_s: list[int]) -> list[str]:
    """Second by second, what is overstepped after so many bytes."""
    out = []
    for count in bytes_each_s:
        one.heard(count)
        out.append(one.overstepped(1).partition(":")[0])
    return out


@pytest.mark.parametrize(
    ("bytes_each_s", "slow_at"),
    [
        ([100] * 40, None),
        ([99] * 40, 10),
        ([0] * 40, 10),
        ([1000] + [0] * 13, None),  # both halves of the first window hold enough
        ([1000] + [0] * 40, 15),
        ([1000] * 7 + [0] * 40, 20),  # the last half that holds anything ends at 10
        ([0, 0, 0, 0, 1000, 0, 0, 0, 0, 0] * 4, None),  # in bursts
    ],
)
def test_the_rate_is_measured_over_a_window_that_slides(bytes_each_s: list[int], slow_at: int | None) -> None:
    one = deadlines(bytes_per_s_min=100, rate_window_s=10)
    one.message_began()
    found = rates(one, bytes_each_s)
    assert next((second for second, limit in enumerate(found, 1) if limit), None) == slow_at
    assert set(found) <= {"", "bytes_per_s_min"}


def test_the_rate_of_another_message_does_not_count() -> None:
    one = deadlines(bytes_per_s_min=100, rate_window_s=10)
    one.message_began()
    assert set(rates(one, [0] * 9)) == {""}
    one.message_ended()
    assert one.overstepped(500) == ""
    one.message_began()
    assert set(rates(one, [0] * 9)) == {""}


def test_a_wait_over_many_windows_is_noticed_once_it_ends() -> None:
    one = deadlines(bytes_per_s_min=1, rate_window_s=10)
    one.message_began()
    assert one.overstepped(100).startswith("bytes_per_s_min: less than 1 bytes/s for 10 s")


def test_no_minimum_rate_means_none() -> None:
    one = deadlines(bytes_per_s_min=0, rate_window_s=10)
    one.message_began()
    assert set(rates(one, [0] * 100)) == {""}


def test_only_waiting_counts() -> None:
    """Nothing is asked of a clock: a node that is busy for an hour has waited for nobody."""
    one = deadlines(idle_timeout_s=1, pdu_timeout_s=1, message_timeout_s=1, bytes_per_s_min=10**9)
    one.heard(1)
    one.pdu_began()
    one.message_began()
    assert one.overstepped(0) == ""
