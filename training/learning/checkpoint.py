"""What a run needs to go on after it was killed: arrays and numbers in one file that is replaced as a whole."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from training.learning.learner import State

FILE = "state.npz"


@dataclass
class Progress:
    """steps: taken so far. best, best_step: of the mean validation figure, where a run may stop early."""

    steps: int = 0
    elapsed_s: float = 0.0
    best: float = float("-inf")
    best_step: int = 0
    reports_without_gain: int = 0
    best_weights: list[np.ndarray] = field(default_factory=list)


def save(run: Path, progress: Progress, state: State) -> None:
    """Written beside, synced, then renamed: a kill at any moment leaves the old or the new file."""
    numbers = asdict(progress)
    weights = numbers.pop("best_weights")
    arrays = {f"best{place}": weight for place, weight in enumerate(weights)}
    part = run / "state.part.npz"
    with part.open("wb") as file:
        np.savez(file, allow_pickle=False, progress=np.array(json.dumps(numbers)), **state, **arrays)
        file.flush()
        os.fsync(file.fileno())
    part.replace(run / FILE)


def find(run: Path) -> Path:
    """The file; ends the program where there is nothing to go on from."""
    if not (run / FILE).is_file():
        raise SystemExit(f"{run}: no {FILE}, so there is nothing to resume")
    return run / FILE


def load(run: Path) -> tuple[Progress, State]:
    with np.load(find(run), allow_pickle=False) as file:
        state = {name: file[name] for name in file.files}
    progress = Progress(**json.loads(str(state.pop("progress"))))
    count = sum(name.startswith("best") for name in state)
    progress.best_weights = [state.pop(f"best{place}") for place in range(count)]
    return progress, state
