"""Fits the gate: half of each batch frontal films, the other half spread over the kinds to refuse and their sources."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import keras
import numpy as np
from numpy.typing import NDArray

from training.gate.augment import augmented
from training.gate.films import inverted, part, rotated
from training.gate.kinds import NAMES
from training.gate.network import gate_network
from training.gate.pool import PictureGroup, squashed

BATCH = 64
FRONTAL_SHARE = 0.45
# What is made of frontal films on the fly, with the share of the refused half of a batch.
MADE_OF_FILMS = {"inverted": (inverted, 0.13), "rotated": (rotated, 0.17), "part-of-chest": (part, 0.10)}
KIND_SHARES = {"lateral-chest": 0.14, "other-radiograph": 0.18, "other-modality": 0.10, "picture": 0.10, "noise": 0.08}
LABEL_SMOOTHING = 0.02
AVERAGING = 0.995
WARMUP_STEPS = 100


class Batches:
    """Batch n is the same for the same seed."""

    def __init__(self, films: Sequence[PictureGroup], others: Sequence[PictureGroup], seed: int) -> None:
        self._films, self._seed = films, seed
        self._of_kind = {kind: [group for group in others if group.kind == kind] for kind in KIND_SHARES}
        empty = [kind for kind, groups in self._of_kind.items() if not groups]
        if empty or not films:
            raise SystemExit(f"nothing is left to learn {', '.join(empty) or NAMES[0]} from")

    def batch(self, number: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        rng = np.random.default_rng([self._seed, number])
        inputs, targets = [], np.full((BATCH, len(NAMES)), LABEL_SMOOTHING / len(NAMES), np.float32)
        shares = {**{kind: share for kind, (_, share) in MADE_OF_FILMS.items()}, **KIND_SHARES}
        for place in range(BATCH):
            if place < FRONTAL_SHARE * BATCH:
                kind, picture = NAMES[0], self._film(rng)
            else:
                kind = str(rng.choice(list(shares), p=np.array(list(shares.values())) / sum(shares.values())))
                picture = self._refused(kind, rng)
            inputs.append(augmented(picture, rng, wild=kind in KIND_SHARES))
            targets[place, NAMES.index(kind)] += 1 - LABEL_SMOOTHING
        return np.stack(inputs)[..., np.newaxis], targets

    def _film(self, rng: np.random.Generator) -> NDArray[np.uint8]:
        group = self._films[int(rng.integers(len(self._films)))]
        return np.asarray(group.pictures[rng.integers(len(group.pictures))])

    def _refused(self, kind: str, rng: np.random.Generator) -> NDArray[np.uint8]:
        if kind in MADE_OF_FILMS:
            film = self._film(rng)
            return squashed(MADE_OF_FILMS[kind][0](film, rng), film.shape[0])
        groups = self._of_kind[kind]
        sizes = np.sqrt([len(group.pictures) for group in groups])
        group = groups[rng.choice(len(groups), p=sizes / sizes.sum())]
        return np.asarray(group.pictures[rng.integers(len(group.pictures))])


def fit(
    films: Sequence[PictureGroup], others: Sequence[PictureGroup], steps: int, seed: int, learning_rate: float = 0.003
) -> keras.Model:
    """The averaged network after `steps` batches."""
    if steps <= WARMUP_STEPS:
        raise SystemExit(f"{steps} steps: more than the {WARMUP_STEPS} of the warm-up are needed")
    keras.utils.set_random_seed(seed)
    network, averaged = gate_network(), gate_network()
    averaged.set_weights(network.get_weights())
    schedule = keras.optimizers.schedules.CosineDecay(
        1e-4, steps - WARMUP_STEPS, warmup_target=learning_rate, warmup_steps=WARMUP_STEPS
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=0.02)
    network.compile(optimizer, loss="categorical_crossentropy")
    batches = Batches(films, others, seed)
    started, losses = time.monotonic(), []
    for step in range(steps):
        losses.append(float(network.train_on_batch(*batches.batch(step))))
        share = min(AVERAGING, (1 + step) / (10 + step))
        if step % 4 == 3:  # every fourth step with the share of four
            new = zip(averaged.get_weights(), network.get_weights(), strict=True)
            averaged.set_weights([old * share**4 + now * (1 - share**4) for old, now in new])
        if step % 100 == 99:
            pace = (time.monotonic() - started) / (step + 1)
            print(f"step {step + 1}/{steps}  loss {np.mean(losses[-100:]):.3f}  {pace:.2f} s a step", flush=True)
        if not math.isfinite(losses[-1]):
            raise SystemExit(f"the loss at step {step + 1} is {losses[-1]}")
    return averaged
