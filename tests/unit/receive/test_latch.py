"""A latch wakes all who poll it, once and for ever, and its descriptor ends with it."""

from __future__ import annotations

import os
import select
import threading

import pytest

from scp_node.receive.latch import Latch


def is_readable(latch: Latch, timeout_ms: float = 0) -> bool:
    waiting = select.poll()
    waiting.register(latch, select.POLLIN)
    return bool(waiting.poll(timeout_ms))


def test_whoever_waits_wakes_up_now_or_later() -> None:
    latch = Latch()
    assert not latch.is_set and not is_readable(latch)
    woken: list[bool] = []
    threads = [threading.Thread(target=lambda: woken.append(is_readable(latch, 20_000))) for _ in range(5)]
    for thread in threads:
        thread.start()
    latch.set()
    for thread in threads:
        thread.join()
    assert woken == [True] * 5
    assert latch.is_set and is_readable(latch) and is_readable(latch)


def test_the_descriptor_lives_as_long_as_the_latch() -> None:
    latch = Latch()
    fd = latch.fileno()
    os.fstat(fd)
    del latch
    with pytest.raises(OSError):
        os.fstat(fd)
