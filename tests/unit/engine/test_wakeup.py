"""A wake-up is never lost while somebody listens, and never in the way while nobody does."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from pathlib import Path

from scp_node.engine.wakeup import Waker, WakeUps

LONG_S = 20.0


def waited_s(wakeups: WakeUps, timeout_s: float) -> float:
    began = time.monotonic()
    wakeups.wait(timeout_s)
    return time.monotonic() - began


def test_a_wake_up_ends_the_wait_of_another_process(tmp_path: Path) -> None:
    with closing(WakeUps(tmp_path / "w")) as wakeups, closing(Waker(tmp_path / "w")) as waker:
        threading.Timer(0.05, waker.wake).start()
        assert waited_s(wakeups, LONG_S) < LONG_S


def test_one_that_came_before_the_wait_counts_once(tmp_path: Path) -> None:
    with closing(WakeUps(tmp_path / "w")) as wakeups, closing(Waker(tmp_path / "w")) as waker:
        for _ in range(3):
            waker.wake()
        assert waited_s(wakeups, LONG_S) < LONG_S
        assert waited_s(wakeups, 0.05) >= 0.05


def test_without_a_reader_waking_does_nothing_and_a_later_reader_is_found(tmp_path: Path) -> None:
    with closing(Waker(tmp_path / "w")) as waker:
        waker.wake()
        first = WakeUps(tmp_path / "w")
        waker.wake()
        first.close()
        waker.wake()
        with closing(WakeUps(tmp_path / "w")) as second:
            second.wait(0)  # what the pipe still holds
            waker.wake()
            waker.wake()
            assert waited_s(second, LONG_S) < LONG_S


def test_a_reader_that_does_not_read_blocks_nobody(tmp_path: Path) -> None:
    with closing(WakeUps(tmp_path / "w")) as wakeups, closing(Waker(tmp_path / "w")) as waker:
        for _ in range(70_000):
            waker.wake()
        wakeups.wake()
        assert waited_s(wakeups, LONG_S) < LONG_S


def test_only_the_owner_may_wake(tmp_path: Path) -> None:
    with closing(WakeUps(tmp_path / "w")):
        assert (tmp_path / "w").stat().st_mode & 0o777 == 0o600


def test_a_thread_that_wakes_too_late_writes_into_no_other_file(tmp_path: Path) -> None:
    wakeups = WakeUps(tmp_path / "w")
    wakeups.close()
    with (tmp_path / "other").open("wb") as other:  # gets the number that the pipe had
        wakeups.wake()
        assert (tmp_path / "other").stat().st_size == 0 and other.fileno() >= 0
