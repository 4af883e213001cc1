"""The figures of one group of images: how well it is separated, judged at the threshold, and calibrated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.cohorts import Example
from training.metrics import (
    Bools,
    Estimate,
    Floats,
    Measure,
    auc,
    bootstrap,
    brier,
    calibration_error,
    sensitivity,
    specificity,
)

# A figure that rests on fewer images of a class than this is not stated; its counts are.
IMAGES_MIN = 10
UNKNOWN = Estimate(float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True)
class Group:
    """members: which of the measured examples belong to it."""

    name: str
    cohort: str
    split: str
    members: NDArray[np.bool_]


def measure(
    group: Group, examples: Sequence[Example], probability: Floats, threshold: float, baseline: Floats
) -> dict[str, Any]:
    """Every figure of `group`, with 95 % intervals over patients; None where too few images would have to carry it."""
    chosen = [example for example, member in zip(examples, group.members, strict=True) if member]
    positive = np.array([example.positive for example in chosen])
    patients = np.array([example.patient_id for example in chosen])
    score = probability[group.members]
    positives, negatives = int(positive.sum()), int((~positive).sum())
    fewest = min(positives, negatives)
    measures: dict[str, tuple[Measure, int]] = {
        "auc": (auc, fewest),
        "sensitivity": (partial(sensitivity, threshold=threshold), positives),
        "specificity": (partial(specificity, threshold=threshold), negatives),
        "ece": (calibration_error, fewest),
        "brier": (brier, fewest),
    }
    figures = {
        name: asdict(bootstrap(rule, positive, score, patients)) if images >= IMAGES_MIN else asdict(UNKNOWN)
        for name, (rule, images) in measures.items()
    }
    return {
        "name": group.name,
        "cohort": group.cohort,
        "split": group.split,
        "images": len(chosen),
        "patients": len(set(patients.tolist())),
        "positives": positives,
        **{name: {key: _known(number) for key, number in figure.items()} for name, figure in figures.items()},
        **confusion(positive, score >= threshold),
        "baseline_auc": _known(auc(positive, baseline[group.members])) if fewest >= IMAGES_MIN else None,
    }


def confusion(positive: Bools, called: Bools) -> dict[str, Any]:
    """Counts, and what readers of other papers look for: precision and F1 (recall is the sensitivity)."""
    hits, misses = int((positive & called).sum()), int((positive & ~called).sum())
    false_alarms, rejections = int((~positive & called).sum()), int((~positive & ~called).sum())
    return {
        "confusion": {"tp": hits, "fn": misses, "fp": false_alarms, "tn": rejections},
        "precision": round(hits / (hits + false_alarms), 6) if hits + false_alarms else None,
        "f1": round(2 * hits / (2 * hits + misses + false_alarms), 6) if hits + misses + false_alarms else None,
    }


def _known(number: float) -> float | None:
    return None if np.isnan(number) else round(number, 6)
