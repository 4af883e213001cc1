"""What the plots show, as numbers: ROC and precision-recall curves, reliability, histograms of scores."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from converter.evaluation.comparison import Z_95
from converter.evaluation.weighted import CALIBRATION_BINS, Bools, Floats, bin_of, by_falling_score

POINTS_MAX = 200
HISTOGRAM_BINS = 20
Point = tuple[float, float]


def roc(positive: Bools, score: Floats) -> list[Point]:
    """(1 - specificity, sensitivity) from the highest threshold to the lowest."""
    present, absent = _counts(positive, score)
    x = np.concatenate([[0.0], np.cumsum(absent) / absent.sum()])
    y = np.concatenate([[0.0], np.cumsum(present) / present.sum()])
    corner = np.ones(len(x), dtype=bool)
    corner[1:-1] = (np.diff(x)[:-1] * np.diff(y)[1:]) != (np.diff(x)[1:] * np.diff(y)[:-1])
    return _thinned(x[corner], y[corner])


def precision_recall(positive: Bools, score: Floats) -> list[Point]:
    """(sensitivity, precision) from the highest threshold to the lowest."""
    present, absent = _counts(positive, score)
    found = np.cumsum(present)
    return _thinned(found / present.sum(), found / np.cumsum(present + absent))


def reliability(positive: Bools, score: Floats) -> list[dict[str, Any]]:
    """For each tenth of the scale that has images: how many, mean probability, share of positives with its interval."""
    place = bin_of(score, CALIBRATION_BINS)
    found = []
    for n in np.unique(place).tolist():
        inside = place == n
        images, present = int(inside.sum()), int(positive[inside].sum())
        low, high = wilson(present, images)
        found.append(
            {
                "from": n / CALIBRATION_BINS,
                "to": (n + 1) / CALIBRATION_BINS,
                "images": images,
                "mean_probability": round(float(score[inside].mean()), 6),
                "share_positive": round(present / images, 6),
                "low": round(low, 6),
                "high": round(high, 6),
            }
        )
    return found


def histogram(positive: Bools, score: Floats) -> dict[str, list[int]]:
    """Images of each class in twenty equal parts of the scale."""
    place = bin_of(score, HISTOGRAM_BINS)
    return {
        name: np.bincount(place[members], minlength=HISTOGRAM_BINS).tolist()
        for name, members in (("positive", positive), ("negative", ~positive))
    }


def wilson(part: int, whole: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share; it takes every image for independent."""
    share, spread = part / whole, Z_95**2 / whole
    centre = (share + spread / 2) / (1 + spread)
    half = math.sqrt(spread * share * (1 - share) + spread**2 / 4) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)


def _counts(positive: Bools, score: Floats) -> tuple[Floats, Floats]:
    present, absent = by_falling_score(positive, score, np.ones((1, len(score))))
    return present[0], absent[0]


def _thinned(x: Floats, y: Floats) -> list[Point]:
    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), POINTS_MAX)).round().astype(int))
    return [(round(float(x[k]), 5), round(float(y[k]), 5)) for k in kept]
