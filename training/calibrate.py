"""Honest probabilities and one operating threshold, both decided on the validation split alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from converter.evaluation.metrics import Bools, Floats, sensitivity, specificity

# A manifest states its threshold so. The rule is asked of the rounded numbers: rounding afterwards could break it.
DECIMALS = 4
TEMPERATURES = np.exp(np.linspace(np.log(0.1), np.log(10), 461))


@dataclass(frozen=True)
class Scored:
    """The labels of some images and what the network says of them (logits or probabilities)."""

    positive: Bools
    score: Floats


def log_loss(positive: Bools, logit: Floats) -> float:
    """Mean negative log likelihood, computed without overflow."""
    return float((np.logaddexp(0, logit) - positive * logit).mean())


def fit_temperature(cohorts: Mapping[str, Scored]) -> float:
    """The divisor of the logits that minimises the log loss, each cohort counting as much as the next.

    One number cannot change the order of scores, so it cannot fit more than the sureness.
    """
    if not all(len(scored.score) and np.isfinite(scored.score).all() for scored in cohorts.values()):
        raise ValueError("no finite log loss: a logit is infinite or not a number, or a cohort is empty")
    losses = [
        np.mean([log_loss(scored.positive, scored.score / temperature) for scored in cohorts.values()])
        for temperature in TEMPERATURES
    ]
    return float(TEMPERATURES[int(np.argmin(losses))])


def choose_threshold(cohorts: Mapping[str, Scored], guarded: str, sensitivity_min: float) -> float:
    """The threshold with the best mean Youden index over `cohorts` that keeps `guarded` at `sensitivity_min` or more.

    Candidates lie halfway between neighbouring scores, to four decimals; of equally good ones the middle one is taken,
    which is the furthest from any change.
    """
    scores = np.unique(np.concatenate([scored.score for scored in cohorts.values()]))
    candidates = np.unique(np.round((scores[1:] + scores[:-1]) / 2, DECIMALS))
    kept = cohorts[guarded]
    allowed = [t for t in candidates if sensitivity(kept.positive, kept.score, t) >= sensitivity_min]
    if not allowed:
        raise ValueError(f"no threshold keeps {guarded} at a sensitivity of {sensitivity_min}")
    quality = np.array([np.mean([_youden(scored, t) for scored in cohorts.values()]) for t in allowed])
    best = np.flatnonzero(quality >= quality.max() - 1e-12)
    return float(allowed[int(best[len(best) // 2])])


def _youden(scored: Scored, threshold: float) -> float:
    found = sensitivity(scored.positive, scored.score, threshold)
    return found + specificity(scored.positive, scored.score, threshold) - 1
