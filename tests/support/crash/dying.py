"""Does a piece of work in a process that kills itself as it enters its n-th call that changes a disk."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable

# Audit events (PEP 578) of calls that leave something on a disk; `open` only for writing.
CHANGING = {"os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "os.utime", "sqlite3.connect"}


def dies_at(number: int, work: Callable[[], object]) -> bool:
    """Whether `work`, in a process of its own, was killed at its n-th call; False when it ended well before."""
    child = os.fork()
    if child == 0:
        try:
            _die_at(number)
            work()
            os._exit(0)
        finally:
            traceback.print_exc()
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL), f"it ended with {code}"
    return code != 0


def _die_at(number: int) -> None:
    seen = 0

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if event == "open":
            flags = arguments[2]
            if not isinstance(flags, int) or not flags & (os.O_WRONLY | os.O_RDWR):
                return
        elif event not in CHANGING:
            return
        seen += 1
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
