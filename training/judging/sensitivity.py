"""How much a baseline depends on what it is given: number of training images, their resolution, noise in the unseen.

A network that falls with them as a baseline does has learned no more than a baseline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from training.data.cohorts import Example
from training.judging.baseline_models import BASELINE_SIDE, block_means, scores
from training.learning.batches import known_targets
from training.learning.watch import Watch

# The side at which pictures are loaded; every resolution that is asked for divides it.
SIDE = 64
RESOLUTIONS = (8, 16, 32, 64)
SHARES = (0.05, 0.1, 0.25, 0.5, 1.0)
NOISES = (0.0, 0.02, 0.05, 0.1, 0.2)
SEED = 0
Figures = dict[str, float]


@dataclass(frozen=True)
class Question:
    """A series of settings of `Pictures.figures`, one of which changes."""

    title: str
    axis: str
    setting: str
    values: tuple[float, ...]


@dataclass
class Curve:
    """points: model -> [(value, AUC by cohort and finding)]."""

    title: str
    axis: str
    points: dict[str, list[tuple[float, Figures]]] = field(default_factory=dict)


QUESTIONS = (
    Question("training size", "share of the training patients", "share", SHARES),
    Question("resolution", "pixels of a side", "side", RESOLUTIONS),
    Question("noise", "standard deviation of noise on unseen films (white = 1)", "noise", NOISES),
)


class Pictures:
    """Gray pictures of the train split with their labels, and of the films to measure on."""

    def __init__(
        self,
        findings: Sequence[str],
        learning: Sequence[Example],
        learned: NDArray[np.uint8],
        watch: Watch,
        unseen: NDArray[np.uint8],
    ) -> None:
        self._targets = known_targets(learning, findings)
        self._patients = np.array([example.patient_id for example in learning])
        self._learned, self._unseen, self._watch = learned, unseen, watch

    def figures(self, model: str, share: float = 1.0, side: float = BASELINE_SIDE, noise: float = 0.0) -> Figures:
        """AUC by cohort and finding of `model`, taught on `share` of the patients at `side` pixels a side.

        A finding of which the chosen patients show one class only has no figure.
        """
        chosen = self._of_patients(share)
        learned = block_means(self._learned / np.float32(255), int(side))
        unseen = block_means(self._noisy(noise), int(side))
        answers = np.full((len(unseen), self._targets.shape[1]), np.nan, dtype=np.float32)
        for finding in range(self._targets.shape[1]):
            target = self._targets[:, finding]
            members = chosen & (target >= 0)
            positive = target[members] == 1
            if positive.any() and not positive.all():
                answers[:, finding] = scores(model, learned[members], positive, unseen)
        return {name: figure for name, figure in self._watch.figures(answers).items() if np.isfinite(figure)}

    def _of_patients(self, share: float) -> NDArray[np.bool_]:
        """Which images belong to `share` of the patients; a larger share includes a smaller one."""
        patients = np.unique(self._patients)
        order = np.random.default_rng(SEED).permutation(patients)
        return np.isin(self._patients, order[: max(1, round(share * len(order)))])

    def _noisy(self, noise: float) -> NDArray[np.float32]:
        clean = self._unseen / np.float32(255)
        if not noise:
            return np.asarray(clean, dtype=np.float32)
        added = np.random.default_rng(SEED).standard_normal(clean.shape, dtype=np.float32) * np.float32(noise)
        return np.asarray(np.clip(clean + added, 0, 1), dtype=np.float32)
