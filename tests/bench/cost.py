"""What a peer costs: CPU time, memory, threads and descriptors of a process and all that it started, from /proc."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.node.node import children_of

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_GONE = (FileNotFoundError, ProcessLookupError, PermissionError, OSError)


@dataclass(frozen=True)
class Cost:
    """At one moment. Memory is the proportional share, so that pages of forked processes count once; the anonymous part
    does not change when other programs load or leave the same libraries."""

    cpu_s: float
    memory_mb: float
    anonymous_mb: float
    threads: int
    descriptors: int


def tree(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += children_of(found[-1])
    return found


def cpu_s(pids: Iterable[int]) -> float:
    """CPU seconds used so far by the trees of `pids`, with the children that have ended."""
    return sum(_cpu_of(process) for pid in pids for process in tree(pid))


def cost(pids: Iterable[int]) -> Cost:
    processes = [process for pid in pids for process in tree(pid)]
    return Cost(
        sum(map(_cpu_of, processes)),
        sum(_memory_mb(process, "Pss") for process in processes),
        sum(_memory_mb(process, "Pss_Anon") for process in processes),
        sum(_entries(process, "task") for process in processes),
        sum(_entries(process, "fd") for process in processes),
    )


def _cpu_of(pid: int) -> float:
    """Own time to the nanosecond, by the clock of the process; that of its ended children to the tick."""
    ended, own = 0.0, 0.0
    with suppress(*_GONE):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        own = (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
        ended = (int(fields[13]) + int(fields[14])) / _TICKS_PER_S
        own = time.clock_gettime((~pid << 3) | 2)  # CPUCLOCK_SCHED of a process, see clock_getcpuclockid(3)
    return own + ended


def _memory_mb(pid: int, kind: str) -> float:
    with suppress(*_GONE):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(f"{kind}:"):
                return int(line.split()[1]) / 1024
    return 0.0


def _entries(pid: int, folder: str) -> int:
    with suppress(*_GONE):
        return len(list(Path(f"/proc/{pid}/{folder}").iterdir()))
    return 0
