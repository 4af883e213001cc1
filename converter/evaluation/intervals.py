"""How sure a figure is: 95 % intervals that resample patients, not images, because films of one patient are alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from converter.evaluation.metrics import value
from converter.evaluation.weighted import Bools, Floats, Rule

ROUNDS = 1000
LEVEL_PERCENT = 95.0
# Weights of this many images are held at once (8 bytes each), however many rounds and images there are.
WEIGHTS_AT_ONCE_MAX = 4_000_000


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval; nan where a class is missing."""

    value: float
    low: float
    high: float


UNKNOWN = Estimate(float("nan"), float("nan"), float("nan"))


def bootstrap(
    rule: Rule,
    positive: Bools,
    score: Floats,
    patients: NDArray[np.str_],
    rounds: int = ROUNDS,
    seed: int = 0,
    noise_adds: bool = False,
) -> Estimate:
    """`rule` with its percentile interval over resampled patients (all images of a patient go together).

    A sample that lacks the images which the rule needs is dropped. noise_adds: the rule is a distance, which the noise
    of resampling makes larger on average; that much is taken off, or the interval would often lie above its own figure
    (the bootstrap's estimate of bias, Efron and Tibshirani 1993, chapter 10).
    """
    draws = resampled(lambda weights: rule(positive, score, weights), patients, rounds, seed)
    figure = value(rule, positive, score)
    if noise_adds:
        draws = np.maximum(0.0, draws - (np.nanmean(draws) - figure))
    return Estimate(figure, *percentile_interval(draws))


def resampled(figure: Callable[[Floats], Floats], patients: NDArray[np.str_], rounds: int, seed: int) -> Floats:
    """`figure` of each of `rounds` samples of patients with replacement; it is given weights [some rounds, images]."""
    return np.concatenate([figure(weights) for weights in patient_weights(patients, rounds, seed)])


def exact_if_unanimous(estimate: Estimate, patients: int) -> Estimate:
    """The exact binomial interval (Clopper and Pearson) over `patients` for a figure of exactly 0 or 1.

    Every sample of such images gives the same figure, so that resampling would give an interval without width. For an
    AUC of 1, give the patients of the rarer class: if a share q of a class were ranked on the wrong side of the other
    class, the AUC would be 1 - q.
    """
    beyond = (100 - LEVEL_PERCENT) / 200
    if estimate.value == 1:
        return Estimate(1.0, beyond ** (1 / patients), 1.0)
    if estimate.value == 0:
        return Estimate(0.0, 0.0, 1 - beyond ** (1 / patients))
    return estimate


def patient_weights(patients: NDArray[np.str_], rounds: int, seed: int) -> Iterator[Floats]:
    """How often each image counts in each sample, [rounds, images], some rounds at a time."""
    names, owner = np.unique(patients, return_inverse=True)
    rng = np.random.default_rng(seed)
    at_once = max(1, WEIGHTS_AT_ONCE_MAX // len(patients))
    for first in range(0, rounds, at_once):
        some = min(at_once, rounds - first)
        drawn = rng.integers(0, len(names), (some, len(names))) + len(names) * np.arange(some)[:, np.newaxis]
        times = np.bincount(drawn.ravel(), minlength=some * len(names)).reshape(some, len(names))
        yield times[:, owner].astype(np.float64)


def percentile_interval(draws: Floats) -> tuple[float, float]:
    known = draws[~np.isnan(draws)]
    if not len(known):
        return float("nan"), float("nan")
    beyond = (100 - LEVEL_PERCENT) / 2
    low, high = np.percentile(known, [beyond, 100 - beyond])
    return float(low), float(high)
