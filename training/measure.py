"""The figures of one group of images: how well it is separated, judged at the threshold, and calibrated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.evaluation import weighted
from converter.evaluation.intervals import UNKNOWN, bootstrap
from converter.evaluation.metrics import auc, confusion
from converter.evaluation.weighted import Floats, Rule, at
from training.cohorts import Example

# A figure that rests on fewer images of a class than this is not stated; its counts are.
IMAGES_MIN = 10


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
    measures: dict[str, tuple[Rule, int]] = {
        "auc": (weighted.auc, fewest),
        "sensitivity": (at(weighted.sensitivity, threshold), positives),
        "specificity": (at(weighted.specificity, threshold), negatives),
        "ece": (weighted.calibration_error, fewest),
        "brier": (weighted.brier, fewest),
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
        **judged(confusion(positive, score >= threshold)),
        "baseline_auc": _known(auc(positive, baseline[group.members])) if fewest >= IMAGES_MIN else None,
    }


def judged(counts: dict[str, int]) -> dict[str, Any]:
    """The counts, and what readers of other papers look for: precision and F1 (recall is the sensitivity)."""
    hits, misses, false_alarms = counts["tp"], counts["fn"], counts["fp"]
    return {
        "confusion": counts,
        "precision": round(hits / (hits + false_alarms), 6) if hits + false_alarms else None,
        "f1": round(2 * hits / (2 * hits + misses + false_alarms), 6) if hits + misses + false_alarms else None,
    }


def _known(number: float) -> float | None:
    return None if np.isnan(number) else round(number, 6)
