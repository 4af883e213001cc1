"""The figures of one group of images: how well it is separated, judged at the threshold, and calibrated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.cohorts import Example
from training.metrics import Bools, Floats, Measure, auc, bootstrap, brier, calibration_error, sensitivity, specificity


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
    """Every figure of `group`, with 95 % intervals over patients; nan (a missing class) becomes None."""
    chosen = [example for example, member in zip(examples, group.members, strict=True) if member]
    positive = np.array([example.positive for example in chosen])
    patients = np.array([example.patient_id for example in chosen])
    score = probability[group.members]
    measures: dict[str, Measure] = {
        "auc": auc,
        "sensitivity": partial(sensitivity, threshold=threshold),
        "specificity": partial(specificity, threshold=threshold),
        "ece": calibration_error,
        "brier": brier,
    }
    figures = {
        name: {key: _known(number) for key, number in asdict(bootstrap(rule, positive, score, patients)).items()}
        for name, rule in measures.items()
    }
    return {
        "name": group.name,
        "cohort": group.cohort,
        "split": group.split,
        "images": len(chosen),
        "patients": len(set(patients.tolist())),
        "positives": int(positive.sum()),
        **figures,
        **confusion(positive, score >= threshold),
        "baseline_auc": _known(auc(positive, baseline[group.members])),
    }


def confusion(positive: Bools, called: Bools) -> dict[str, Any]:
    """Counts, and what readers of other papers look for: precision and F1 (recall is the sensitivity)."""
    hits, misses = int((positive & called).sum()), int((positive & ~called).sum())
    false_alarms, rejections = int((~positive & called).sum()), int((~positive & ~called).sum())
    return {
        "confusion": {"tp": hits, "fn": misses, "fp": false_alarms, "tn": rejections},
        "precision": round(hits / (hits + false_alarms), 4) if hits + false_alarms else None,
        "f1": round(2 * hits / (2 * hits + misses + false_alarms), 4) if hits + misses + false_alarms else None,
    }


def _known(number: float) -> float | None:
    return None if np.isnan(number) else round(number, 4)
