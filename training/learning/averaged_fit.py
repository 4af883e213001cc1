"""Fits a small network of its own (input gate, outline of lungs) by a fixed number of batches, and keeps the running
average of its weights."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Protocol

import keras
import numpy as np
from numpy.typing import NDArray

AVERAGING = 0.995
WARMUP_STEPS = 100
# The average moves every so many steps, with the share of as many.
AVERAGED_STEPS = 4
REPORT_STEPS = 100


class NumberedBatches(Protocol):
    def batch(self, number: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Inputs and targets; batch n is the same for the same seed."""


def fit_averaged(
    make: Callable[[], keras.Model],
    loss: str | Callable[..., keras.KerasTensor],
    batches: NumberedBatches,
    steps: int,
    seed: int,
    learning_rate: float,
    weight_decay: float,
) -> keras.Model:
    """The averaged network after `steps` batches. Ends the program for too few steps, or a loss that is no number."""
    if steps <= WARMUP_STEPS:
        raise SystemExit(f"{steps} steps: more than the {WARMUP_STEPS} of the warm-up are needed")
    keras.utils.set_random_seed(seed)
    network, averaged = make(), make()
    averaged.set_weights(network.get_weights())
    schedule = keras.optimizers.schedules.CosineDecay(
        1e-4, steps - WARMUP_STEPS, warmup_target=learning_rate, warmup_steps=WARMUP_STEPS
    )
    network.compile(keras.optimizers.AdamW(schedule, weight_decay=weight_decay), loss=loss)
    started, losses = time.monotonic(), []
    for step in range(steps):
        losses.append(float(network.train_on_batch(*batches.batch(step))))
        if not math.isfinite(losses[-1]):
            raise SystemExit(f"the loss at step {step + 1} is {losses[-1]}")
        if step % AVERAGED_STEPS == AVERAGED_STEPS - 1:
            keep = min(AVERAGING, (1 + step) / (10 + step)) ** AVERAGED_STEPS
            new = zip(averaged.get_weights(), network.get_weights(), strict=True)
            averaged.set_weights([old * keep + now * (1 - keep) for old, now in new])
        if step % REPORT_STEPS == REPORT_STEPS - 1:
            pace = (time.monotonic() - started) / (step + 1)
            mean = np.mean(losses[-REPORT_STEPS:])
            print(f"step {step + 1}/{steps}  loss {mean:.3f}  {pace:.2f} s a step", flush=True)
    return averaged
