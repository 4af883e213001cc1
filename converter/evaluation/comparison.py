"""Whether one model separates the same images better than another: DeLong's test, and patients resampled in pairs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from converter.evaluation.intervals import ROUNDS, Estimate, percentile_interval, resampled
from converter.evaluation.metrics import value
from converter.evaluation.weighted import Bools, Floats, Rule

Z_95 = 1.959963984540054


@dataclass(frozen=True)
class Delong:
    """AUC of one minus AUC of the other, its standard error and 95 % interval, z and the two-sided p value.

    The test takes every image for independent: where patients have several, p is too small.
    """

    difference: float
    standard_error: float
    low: float
    high: float
    z: float
    p: float


def delong(positive: Bools, one: Floats, other: Floats) -> Delong:
    """DeLong, DeLong, Clarke-Pearson, Biometrics 44 (1988) 837, for two AUCs on the same images.

    Needs two positives and two negatives; raises ValueError otherwise.
    """
    if positive.sum() < 2 or (~positive).sum() < 2:
        raise ValueError("DeLong's test needs two images of each class")
    of_positives, of_negatives = zip(*(placements(positive, score) for score in (one, other)), strict=True)
    covariance = np.cov(of_positives) / positive.sum() + np.cov(of_negatives) / (~positive).sum()
    difference = float(of_positives[0].mean() - of_positives[1].mean())
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    error = math.sqrt(max(0.0, variance))
    z = difference / error if error > 1e-12 else 0.0 if abs(difference) < 1e-12 else math.copysign(math.inf, difference)
    return Delong(
        difference, error, difference - Z_95 * error, difference + Z_95 * error, z, math.erfc(abs(z) / math.sqrt(2))
    )


def placements(positive: Bools, score: Floats) -> tuple[Floats, Floats]:
    """For each positive the share of negatives below it, for each negative the share of positives above; ties half."""
    present, absent = np.sort(score[positive]), np.sort(score[~positive])
    return _share_below(score[positive], absent), 1 - _share_below(score[~positive], present)


def paired_difference(
    rules: tuple[Rule, Rule],
    positive: Bools,
    one: Floats,
    other: Floats,
    patients: NDArray[np.str_],
    rounds: int = ROUNDS,
    seed: int = 0,
) -> Estimate:
    """The first rule on `one` minus the second on `other`, each sample of patients given to both."""

    def difference(weights: Floats) -> Floats:
        return rules[0](positive, one, weights) - rules[1](positive, other, weights)

    draws = resampled(difference, patients, rounds, seed)
    now = value(rules[0], positive, one) - value(rules[1], positive, other)
    return Estimate(now, *percentile_interval(draws))


def _share_below(values: Floats, ordered: Floats) -> Floats:
    below, upto = np.searchsorted(ordered, values, "left"), np.searchsorted(ordered, values, "right")
    return np.asarray((below + upto) / 2 / len(ordered))
