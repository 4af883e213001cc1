"""How much of the processor a process takes, and how soon it gets it: workers step back behind the receiver, which is
let in at once; libraries make no threads."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from contextlib import suppress
from pathlib import Path

# Read by the libraries when they are loaded, so that a parent sets them for its children.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# The number of the system call, by machine; the size of struct sched_attr; the shortest turn that there is.
SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
ATTRIBUTES_BYTES, TURN_NS = 56, 100_000
AUTOGROUP = Path("/proc/self/autogroup")


def step_back(niceness: int) -> None:
    """Run at `niceness` (0 to 19), or the higher one of today; threads made from now on do so too.

    Where Linux shares the processor between sessions first (autogroup, sched(7)), a niceness says nothing to another
    session. A process that leads one steps back with the whole of it.
    """
    tasks = Path("/proc/self/task")  # on Linux each thread has a niceness of its own
    for task in [int(one.name) for one in tasks.iterdir()] if tasks.is_dir() else [0]:
        with suppress(ProcessLookupError):  # it has ended meanwhile
            os.setpriority(os.PRIO_PROCESS, task, max(niceness, os.getpriority(os.PRIO_PROCESS, task)))
    if os.getsid(0) == os.getpid():
        with suppress(OSError):  # not this kernel, or not so soon after the last time
            AUTOGROUP.write_text(str(niceness), encoding="ascii")


def be_prompt() -> bool:
    """Ask for short turns, so that this thread, and those made from now on, interrupt one with long turns as soon as
    they have something to do. Whether the kernel agreed: Linux has turns of a length of one's own since 6.12.

    Otherwise whoever is at work keeps the processor for the rest of its turn, some milliseconds, however far it has
    stepped back; and storing one image takes several turns.
    """
    number = SCHED_SETATTR.get(platform.machine())
    if number is None or not hasattr(os, "SCHED_OTHER"):
        return False
    niceness = os.getpriority(os.PRIO_PROCESS, 0)
    asked = struct.pack("=IIQiIQQQII", ATTRIBUTES_BYTES, os.SCHED_OTHER, 0, niceness, 0, TURN_NS, 0, 0, 0, 0)
    return int(ctypes.CDLL(None).syscall(number, 0, asked, 0)) == 0


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
