"""The figures of one group of images, with intervals over patients; those that too few images would carry are None."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.evaluation import weighted
from converter.evaluation.intervals import UNKNOWN, Estimate, bootstrap, exact_if_unanimous
from converter.evaluation.metrics import confusion
from converter.evaluation.weighted import Bools, Floats, Rule, at

# A figure that rests on fewer images of a class than this is not stated; its counts are.
IMAGES_MIN = 10


def measure(positive: Bools, score: Floats, threshold: float, patients: NDArray[np.str_]) -> dict[str, Any]:
    """Every figure as {value, low, high}, beside the counts."""
    called = score >= threshold
    everyone = np.ones(len(positive), dtype=bool)
    # figure: rule, the images that it is a share of (None: it is no share), what it needs besides these
    rules: dict[str, tuple[Rule, Bools | None, tuple[Bools, ...]]] = {
        "auc": (weighted.auc, None, (positive, ~positive)),
        "average_precision": (weighted.average_precision, None, (positive, ~positive)),
        "sensitivity": (at(weighted.sensitivity, threshold), positive, ()),
        "specificity": (at(weighted.specificity, threshold), ~positive, ()),
        "precision": (at(weighted.precision, threshold), called, (positive, ~positive)),
        "negative_predictive_value": (
            at(weighted.negative_predictive_value, threshold),
            ~called,
            (positive, ~positive),
        ),
        "accuracy": (at(weighted.accuracy, threshold), everyone, (positive, ~positive)),
        "f1": (at(weighted.f1, threshold), None, (positive, ~positive)),
        "brier": (weighted.brier, None, (positive, ~positive)),
        "ece": (weighted.calibration_error, None, (positive, ~positive)),
    }
    figures = {}
    for name, (rule, of, needs) in rules.items():
        estimate = UNKNOWN
        if all(images.sum() >= IMAGES_MIN for images in (*needs, everyone if of is None else of)):
            estimate = bootstrap(rule, positive, score, patients)
        if of is not None:
            estimate = exact_if_unanimous(estimate, len(np.unique(patients[of])))
        figures[name] = known(estimate)
    return {
        "images": len(positive),
        "patients": len(np.unique(patients)),
        "positives": int(positive.sum()),
        **figures,
        "mean_probability": rounded(score.mean()) if len(score) else None,
        "confusion": confusion(positive, called),
    }


def known(estimate: Estimate) -> dict[str, float | None]:
    """An estimate for JSON: six decimals, None for what is not known."""
    return {key: rounded(number) for key, number in asdict(estimate).items()}


def rounded(number: float) -> float | None:
    return round(float(number), 6) if np.isfinite(number) else None
