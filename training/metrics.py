"""How well scores separate and how honest they are, with intervals that resample patients, not images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Measure = Callable[[Bools, Floats], float]


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval; nan where a class is missing."""

    value: float
    low: float
    high: float


def auc(positive: Bools, score: Floats) -> float:
    """Probability that a positive scores above a negative (Mann-Whitney), ties counting half."""
    positives, negatives = score[positive], score[~positive]
    if not len(positives) or not len(negatives):
        return float("nan")
    ordered = np.sort(negatives)
    below, upto = np.searchsorted(ordered, positives, "left"), np.searchsorted(ordered, positives, "right")
    return float((below + upto).mean() / 2 / len(negatives))


def sensitivity(positive: Bools, score: Floats, threshold: float) -> float:
    return float((score[positive] >= threshold).mean()) if positive.any() else float("nan")


def specificity(positive: Bools, score: Floats, threshold: float) -> float:
    return float((score[~positive] < threshold).mean()) if not positive.all() else float("nan")


def brier(positive: Bools, score: Floats) -> float:
    return float(((score - positive) ** 2).mean())


def calibration_error(positive: Bools, score: Floats, bins: int = 10) -> float:
    """Expected calibration error: |mean probability - share of positives| over equal-width bins, weighted by size."""
    place = np.minimum((score * bins).astype(int), bins - 1)
    size = np.bincount(place, minlength=bins)
    promised, kept = np.bincount(place, score, bins), np.bincount(place, positive, bins)
    return float(np.abs(promised - kept)[size > 0].sum() / len(score))


def bootstrap(
    measure: Measure, positive: Bools, score: Floats, patients: NDArray[np.str_], rounds: int = 1000, seed: int = 0
) -> Estimate:
    """`measure` with its 95 % percentile interval over resampled patients (all images of a patient go together)."""
    value = measure(positive, score)
    _, owner = np.unique(patients, return_inverse=True)
    images_of = [np.flatnonzero(owner == patient) for patient in range(owner.max() + 1)]
    rng = np.random.default_rng(seed)
    draws: list[float] = []
    for _ in range(rounds):
        drawn = np.concatenate([images_of[patient] for patient in rng.integers(0, len(images_of), len(images_of))])
        draws.append(measure(positive[drawn], score[drawn]))
    kept = np.array(draws)[~np.isnan(draws)]
    low, high = np.percentile(kept, [2.5, 97.5]) if len(kept) else (float("nan"), float("nan"))
    return Estimate(value, float(low), float(high))
