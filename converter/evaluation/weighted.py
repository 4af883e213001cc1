"""Every figure under many weightings of the same images at once: one row of weights is one bootstrap sample.

Shapes: `positive` bool [images], `score` float [images], `weights` float [rounds, images] (how often an image counts);
each rule returns float [rounds], nan where the images that it needs are missing. With weights of one they are the
figures of scikit-learn.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Rule = Callable[[Bools, Floats, Floats], Floats]

CALIBRATION_BINS = 10


def auc(positive: Bools, score: Floats, weights: Floats) -> Floats:
    """Probability that a positive scores above a negative (Mann-Whitney), ties counting half."""
    concordant, pairs = pairs_of(positive, score, weights)
    return share(concordant, pairs)


def stratified_auc(positive: Bools, score: Floats, weights: Floats, *, strata: NDArray[np.str_]) -> Floats:
    """The same probability for a positive and a negative of one stratum: what is left when strata are not compared.

    Weighs each stratum by its pairs (the common AUC of Janes and Pepe with equal weight a pair).
    """
    concordant, pairs = np.zeros(len(weights)), np.zeros(len(weights))
    for stratum in np.unique(strata):
        inside = strata == stratum
        some, all_pairs = pairs_of(positive[inside], score[inside], weights[:, inside])
        concordant, pairs = concordant + some, pairs + all_pairs
    return share(concordant, pairs)


def average_precision(positive: Bools, score: Floats, weights: Floats) -> Floats:
    """Area under the precision-recall curve as a sum of steps, without interpolation."""
    present, absent = by_falling_score(positive, score, weights)
    found, called = np.cumsum(present, axis=1), np.cumsum(present + absent, axis=1)
    return share((present * share(found, called, nothing=0.0)).sum(axis=1), present.sum(axis=1))


def sensitivity(positive: Bools, score: Floats, weights: Floats, *, threshold: float) -> Floats:
    """Also called recall."""
    return share(weights @ (positive & (score >= threshold)), weights @ positive)


def specificity(positive: Bools, score: Floats, weights: Floats, *, threshold: float) -> Floats:
    return share(weights @ (~positive & (score < threshold)), weights @ ~positive)


def precision(positive: Bools, score: Floats, weights: Floats, *, threshold: float) -> Floats:
    """Share of the called that are positive, also called positive predictive value."""
    return share(weights @ (positive & (score >= threshold)), weights @ (score >= threshold))


def negative_predictive_value(positive: Bools, score: Floats, weights: Floats, *, threshold: float) -> Floats:
    return share(weights @ (~positive & (score < threshold)), weights @ (score < threshold))


def accuracy(positive: Bools, score: Floats, weights: Floats, *, threshold: float) -> Floats:
    return share(weights @ (positive == (score >= threshold)), weights.sum(axis=1))


def f1(positive: Bools, score: Floats, weights: Floats, *, threshold: float) -> Floats:
    called = score >= threshold
    return share(2 * (weights @ (positive & called)), weights @ positive + weights @ called)


def brier(positive: Bools, score: Floats, weights: Floats) -> Floats:
    """Mean squared distance between probability and truth."""
    return share(weights @ (score - positive) ** 2, weights.sum(axis=1))


def calibration_error(positive: Bools, score: Floats, weights: Floats, *, bins: int = CALIBRATION_BINS) -> Floats:
    """Expected calibration error: |mean probability - share of positives| over equal-width bins, weighted by size."""
    inside = bin_of(score, bins)[:, np.newaxis] == np.arange(bins)
    gaps = weights @ (inside * (score - positive)[:, np.newaxis])
    return share(np.abs(gaps).sum(axis=1), weights.sum(axis=1))


def mean(_: Bools, score: Floats, weights: Floats) -> Floats:
    return share(weights @ score, weights.sum(axis=1))


def at(rule: Callable[..., Floats], threshold: float) -> Rule:
    """A rule that needs an operating threshold, at this one."""
    return partial(rule, threshold=threshold)


def pairs_of(positive: Bools, score: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Weight of the pairs in which the positive scores higher, and of all pairs of a positive and a negative."""
    present, absent = by_falling_score(positive, score, weights)
    lower = absent.sum(axis=1, keepdims=True) - np.cumsum(absent, axis=1)
    return (present * (lower + absent / 2)).sum(axis=1), present.sum(axis=1) * absent.sum(axis=1)


def by_falling_score(positive: Bools, score: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Weight of the positives and of the negatives at each distinct score, [rounds, scores], highest score first."""
    order = np.argsort(-score, kind="stable")
    starts = np.flatnonzero(np.diff(score[order], prepend=np.nan) != 0)
    if not len(starts):
        return np.zeros((len(weights), 0)), np.zeros((len(weights), 0))
    ordered, present = weights[:, order], positive[order]
    return np.add.reduceat(ordered * present, starts, axis=1), np.add.reduceat(ordered * ~present, starts, axis=1)


def bin_of(score: Floats, bins: int) -> NDArray[np.int64]:
    """The equal-width bin of each score; 1 belongs to the last one."""
    return np.minimum((score * bins).astype(np.int64), bins - 1)


def share(part: Floats, whole: Floats, nothing: float = np.nan) -> Floats:
    """part / whole, `nothing` where the whole is zero."""
    return np.asarray(np.divide(part, whole, out=np.full(np.shape(part), nothing), where=whole != 0))
