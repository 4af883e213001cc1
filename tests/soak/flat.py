"""Samples of what a process holds, and whether they still grow when it has warmed up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.support.crash.aftermath import resident_bytes

# Growth of the fitted line over the second half of a run. 10,000 instances that leak 1 KiB each would make 5 MiB.
GROWTH_MAX = {"memory_mib": 4.0, "threads": 1.0, "descriptors": 2.0}


@dataclass(frozen=True)
class Sample:
    """A process at one moment, after so many units of work."""

    done: int
    memory_mib: float
    threads: float
    descriptors: float


def sample(pid: int, done: int) -> Sample:
    process = Path("/proc") / str(pid)
    return Sample(
        done,
        resident_bytes(pid) / 2**20,
        sum(1 for _ in (process / "task").iterdir()),
        sum(1 for _ in (process / "fd").iterdir()),
    )


def growth(samples: Sequence[Sample], what: str) -> float:
    """How much the line through the second half of the samples rises from its beginning to its end."""
    late = samples[len(samples) // 2 :]
    done = np.array([one.done for one in late], float)
    slope, _ = np.polyfit(done, [getattr(one, what) for one in late], 1)
    return float(slope * (done[-1] - done[0]))


def growing(samples: Sequence[Sample]) -> dict[str, float]:
    """What grows more than it may, and by how much."""
    risen = {what: growth(samples, what) for what in GROWTH_MAX}
    return {what: by for what, by in risen.items() if by > GROWTH_MAX[what]}
