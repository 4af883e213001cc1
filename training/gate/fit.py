"""Fits a gate: half of each batch to be accepted, the other half spread over the kinds to refuse and their sources."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from numpy.typing import NDArray

from training.gate.augment import augmented
from training.gate.network import gate_network
from training.gate.pool import PictureGroup, squashed
from training.gate.subjects import Subject
from training.learning.averaged_fit import fit_averaged

BATCH = 64
ACCEPTED_SHARE = 0.45
LABEL_SMOOTHING = 0.02


class Batches:
    """Batch n is the same for the same seed."""

    def __init__(
        self, subject: Subject, films: Sequence[PictureGroup], others: Sequence[PictureGroup], seed: int
    ) -> None:
        self._subject, self._films, self._seed = subject, films, seed
        self._of_kind = {kind: [group for group in others if group.kind == kind] for kind in subject.other_shares}
        empty = [kind for kind, groups in self._of_kind.items() if not groups]
        if empty or not films:
            raise SystemExit(f"nothing is left to learn {', '.join(empty) or subject.accepted} from")

    def batch(self, number: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        rng = np.random.default_rng([self._seed, number])
        names, shares = self._subject.names, {**self._subject.made_shares, **self._subject.other_shares}
        inputs, targets = [], np.full((BATCH, len(names)), LABEL_SMOOTHING / len(names), np.float32)
        for place in range(BATCH):
            if place < ACCEPTED_SHARE * BATCH:
                kind, picture = names[0], self._film(rng)
            else:
                kind = str(rng.choice(list(shares), p=np.array(list(shares.values())) / sum(shares.values())))
                picture = self._refused(kind, rng)
            inputs.append(augmented(picture, rng, wild=kind in self._subject.other_shares))
            targets[place, names.index(kind)] += 1 - LABEL_SMOOTHING
        return np.stack(inputs)[..., np.newaxis], targets

    def _film(self, rng: np.random.Generator) -> NDArray[np.uint8]:
        group = self._films[int(rng.integers(len(self._films)))]
        return np.asarray(group.pictures[rng.integers(len(group.pictures))])

    def _refused(self, kind: str, rng: np.random.Generator) -> NDArray[np.uint8]:
        if kind in self._subject.ways:
            film = self._film(rng)
            return squashed(self._subject.ways[kind](film, rng), film.shape[0])
        groups = self._of_kind[kind]
        sizes = np.sqrt([len(group.pictures) for group in groups])
        group = groups[rng.choice(len(groups), p=sizes / sizes.sum())]
        return np.asarray(group.pictures[rng.integers(len(group.pictures))])


def fit(
    subject: Subject,
    films: Sequence[PictureGroup],
    others: Sequence[PictureGroup],
    steps: int,
    seed: int,
    learning_rate: float = 0.003,
) -> keras.Model:
    """The averaged network after `steps` batches."""
    batches = Batches(subject, films, others, seed)

    def network() -> keras.Model:
        return gate_network(len(subject.kinds))

    return fit_averaged(network, "categorical_crossentropy", batches, steps, seed, learning_rate, 0.02)
