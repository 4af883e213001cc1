"""The figures of some images as they are: plain numbers, nan where a class is missing."""

from __future__ import annotations

import numpy as np

from converter.evaluation import weighted
from converter.evaluation.weighted import Bools, Floats, Rule, at

__all__ = ["Bools", "Floats", "auc", "brier", "calibration_error", "confusion", "sensitivity", "specificity", "value"]


def value(rule: Rule, positive: Bools, score: Floats) -> float:
    """`rule` with every image counting once."""
    return float(rule(positive, score, np.ones((1, len(score))))[0])


def auc(positive: Bools, score: Floats) -> float:
    return value(weighted.auc, positive, score)


def sensitivity(positive: Bools, score: Floats, threshold: float) -> float:
    return value(at(weighted.sensitivity, threshold), positive, score)


def specificity(positive: Bools, score: Floats, threshold: float) -> float:
    return value(at(weighted.specificity, threshold), positive, score)


def brier(positive: Bools, score: Floats) -> float:
    return value(weighted.brier, positive, score)


def calibration_error(positive: Bools, score: Floats) -> float:
    return value(weighted.calibration_error, positive, score)


def confusion(positive: Bools, called: Bools) -> dict[str, int]:
    """Counts of true positives, misses, false alarms and true negatives."""
    counts = {"tp": positive & called, "fn": positive & ~called, "fp": ~positive & called, "tn": ~positive & ~called}
    return {name: int(images.sum()) for name, images in counts.items()}
