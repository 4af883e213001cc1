"""How much of the processor a process takes: it steps back behind the receiver, its libraries make no threads."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

# Read by the libraries when they are loaded, so that a parent sets them for its children.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def step_back(niceness: int) -> None:
    """Run at `niceness` (0 to 19), or the higher one of today; threads made from now on do so too."""
    tasks = Path("/proc/self/task")  # on Linux each thread has a niceness of its own
    for task in [int(one.name) for one in tasks.iterdir()] if tasks.is_dir() else [0]:
        with suppress(ProcessLookupError):  # it has ended meanwhile
            os.setpriority(os.PRIO_PROCESS, task, max(niceness, os.getpriority(os.PRIO_PROCESS, task)))


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
