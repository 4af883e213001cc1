"""Fits the gate: half of each batch frontal films, the other half spread over the kinds to refuse and their sources."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from numpy.typing import NDArray

from training.gate.augment import augmented
from training.gate.films import WAYS
from training.gate.kinds import NAMES
from training.gate.network import gate_network
from training.gate.pool import PictureGroup, squashed
from training.learning.averaged_fit import fit_averaged

BATCH = 64
FRONTAL_SHARE = 0.45
# What is made of frontal films on the fly, with its weight among the refused half of a batch.
MADE_OF_FILMS = {
    "inverted": 0.13,
    "rotated": 0.17,
    "part-of-chest": 0.20,
    "photographed-screen": 0.10,
    "unreadable": 0.12,
}
KIND_SHARES = {"lateral-chest": 0.14, "other-radiograph": 0.18, "other-modality": 0.10, "picture": 0.12, "noise": 0.08}
LABEL_SMOOTHING = 0.02


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
        shares = {**MADE_OF_FILMS, **KIND_SHARES}
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
            return squashed(WAYS[kind](film, rng), film.shape[0])
        groups = self._of_kind[kind]
        sizes = np.sqrt([len(group.pictures) for group in groups])
        group = groups[rng.choice(len(groups), p=sizes / sizes.sum())]
        return np.asarray(group.pictures[rng.integers(len(group.pictures))])


def fit(
    films: Sequence[PictureGroup], others: Sequence[PictureGroup], steps: int, seed: int, learning_rate: float = 0.003
) -> keras.Model:
    """The averaged network after `steps` batches."""
    batches = Batches(films, others, seed)
    return fit_averaged(gate_network, "categorical_crossentropy", batches, steps, seed, learning_rate, 0.02)
