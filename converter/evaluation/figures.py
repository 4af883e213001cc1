"""The figures of one group of images, with intervals over patients; None where there are too few patients."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from converter.evaluation import weighted
from converter.evaluation.intervals import UNKNOWN, Estimate, bootstrap, exact_if_unanimous
from converter.evaluation.metrics import confusion
from converter.evaluation.weighted import Bools, Floats, Rule, at

# A figure that rests on fewer patients of a class than this is not stated; its counts are. Patients, because they are
# what is resampled: ten films of one patient would have an interval without width.
PATIENTS_MIN = 10


class Measured(NamedTuple):
    """How a figure is measured.

    rule: computes it. needs: groups of images, each of which must have PATIENTS_MIN patients. exact_over: the images
    whose patients an exact interval counts. noise_adds: the figure is a distance, which noise can only make larger.
    """

    rule: Rule
    needs: tuple[Bools, ...]
    exact_over: Bools | None = None
    noise_adds: bool = False


def measure(positive: Bools, score: Floats, threshold: float, patients: NDArray[np.str_]) -> dict[str, Any]:
    """Every figure as {value, low, high}, beside the counts."""
    called = score >= threshold
    both, rarer = (positive, ~positive), rarer_class(positive, patients)
    everyone = np.ones(len(positive), dtype=bool)
    measured = {
        "auc": Measured(weighted.auc, both, rarer),
        "average_precision": Measured(weighted.average_precision, both, rarer),
        "sensitivity": Measured(at(weighted.sensitivity, threshold), (positive,), positive),
        "specificity": Measured(at(weighted.specificity, threshold), (~positive,), ~positive),
        "precision": Measured(at(weighted.precision, threshold), (*both, called), called),
        "negative_predictive_value": Measured(
            at(weighted.negative_predictive_value, threshold), (*both, ~called), ~called
        ),
        "accuracy": Measured(at(weighted.accuracy, threshold), both, everyone),
        "f1": Measured(at(weighted.f1, threshold), both, rarer),
        "brier": Measured(weighted.brier, both),
        "ece": Measured(weighted.calibration_error, both, noise_adds=True),
    }
    return {
        "images": len(positive),
        "patients": len(np.unique(patients)),
        "positives": int(positive.sum()),
        **{name: known(estimated(one, positive, score, patients)) for name, one in measured.items()},
        "mean_probability": rounded(score.mean()) if len(score) else None,
        "confusion": confusion(positive, called),
    }


def estimated(one: Measured, positive: Bools, score: Floats, patients: NDArray[np.str_]) -> Estimate:
    if not enough(patients, *one.needs):
        return UNKNOWN
    found = bootstrap(one.rule, positive, score, patients, noise_adds=one.noise_adds)
    return found if one.exact_over is None else exact_if_unanimous(found, len(np.unique(patients[one.exact_over])))


def auc_estimate(positive: Bools, score: Floats, patients: NDArray[np.str_], rule: Rule = weighted.auc) -> Estimate:
    """The AUC (or another `rule` that compares positives with negatives) as `measure` states it."""
    compared = Measured(rule, (positive, ~positive), rarer_class(positive, patients))
    return estimated(compared, positive, score, patients)


def enough(patients: NDArray[np.str_], *parts: Bools) -> bool:
    """Whether each part has images of PATIENTS_MIN patients."""
    return all(len(np.unique(patients[images])) >= PATIENTS_MIN for images in parts)


def rarer_class(positive: Bools, patients: NDArray[np.str_]) -> Bools:
    """The images of the class with fewer patients."""
    return min((positive, ~positive), key=lambda images: len(np.unique(patients[images])))


def known(estimate: Estimate) -> dict[str, float | None]:
    """An estimate for JSON: six decimals, None for what is not known."""
    return {key: rounded(number) for key, number in asdict(estimate).items()}


def rounded(number: float) -> float | None:
    return round(float(number), 6) if np.isfinite(number) else None
