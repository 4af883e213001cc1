"""Waits for what happens in another thread, process or archive; a test fails with what it waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
TIMEOUT_S, PAUSE_S = 20.0, 0.02


def until(
    look: Callable[[], T],
    what: str | Callable[[], object] = "what the test waits for",
    timeout_s: float = TIMEOUT_S,
    *,
    enough: Callable[[T], object] = bool,
    pause_s: float = PAUSE_S,
) -> T:
    """Look again and again; what was seen when it was `enough`. `what` may be asked for when it is too late."""
    deadline = time.monotonic() + timeout_s
    while not enough(seen := look()):
        late = time.monotonic() >= deadline
        assert not late, f"not within {timeout_s:g} s: {what if isinstance(what, str) else what()}"
        time.sleep(pause_s)
    return seen
