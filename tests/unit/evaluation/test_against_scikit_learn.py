"""Every figure is the one that scikit-learn gives, with and without weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from converter.evaluation import weighted
from converter.evaluation.curves import precision_recall, roc
from converter.evaluation.metrics import confusion, value
from converter.evaluation.weighted import Bools, Floats, at

reference = pytest.importorskip("sklearn.metrics", reason="scikit-learn is in the extra [training]")
THRESHOLD = 0.4


def images(seed: int, number: int = 150) -> tuple[Bools, Floats, Floats]:
    """Labels, scores with many ties, and weights as a bootstrap sample has them (0, 1, 2, ...)."""
    rng = np.random.default_rng(seed)
    positive = rng.random(number) < 0.4
    score = np.clip(np.where(positive, 0.6, 0.4) + rng.normal(0, 0.25, number), 0, 1).round(2)
    return positive, score, rng.poisson(1, number).astype(np.float64)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "ours, theirs",
    [
        (weighted.auc, reference.roc_auc_score),
        (weighted.average_precision, reference.average_precision_score),
        (weighted.brier, reference.brier_score_loss),
    ],
)
def test_figures_of_scores(seed: int, ours: weighted.Rule, theirs: Callable[..., float]) -> None:
    positive, score, weights = images(seed)
    assert value(ours, positive, score) == pytest.approx(theirs(positive, score), abs=1e-12)
    found = ours(positive, score, np.stack([weights, np.ones(len(score))]))
    assert found[0] == pytest.approx(theirs(positive, score, sample_weight=weights), abs=1e-12)
    assert found[1] == pytest.approx(theirs(positive, score), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "ours, theirs, options",
    [
        (weighted.accuracy, reference.accuracy_score, {}),
        (weighted.precision, reference.precision_score, {}),
        (weighted.sensitivity, reference.recall_score, {}),
        (weighted.specificity, reference.recall_score, {"pos_label": False}),
        (weighted.negative_predictive_value, reference.precision_score, {"pos_label": False}),
        (weighted.f1, reference.f1_score, {}),
    ],
)
def test_figures_of_calls(
    seed: int, ours: weighted.Rule, theirs: Callable[..., float], options: dict[str, object]
) -> None:
    positive, score, weights = images(seed)
    called = score >= THRESHOLD
    assert value(at(ours, THRESHOLD), positive, score) == pytest.approx(theirs(positive, called, **options), abs=1e-12)
    found = at(ours, THRESHOLD)(positive, score, weights[np.newaxis])
    assert found[0] == pytest.approx(theirs(positive, called, sample_weight=weights, **options), abs=1e-12)


def test_confusion_matrix() -> None:
    positive, score, _ = images(7)
    counts = confusion(positive, score >= THRESHOLD)
    (tn, fp), (fn, tp) = reference.confusion_matrix(positive, score >= THRESHOLD).tolist()
    assert counts == {"tp": tp, "fn": fn, "fp": fp, "tn": tn}


def test_roc_curve() -> None:
    positive, score, _ = images(8)
    x, y, _ = reference.roc_curve(positive, score, drop_intermediate=False)
    theirs, ours = np.column_stack([x, y]), np.array(roc(positive, score))
    distance = np.abs(ours[:, np.newaxis] - theirs[np.newaxis]).max(axis=2).min(axis=1)
    assert distance.max() < 1e-5  # ours has the corners only, which are points of theirs, and the same area
    assert np.trapezoid(ours[:, 1], ours[:, 0]) == pytest.approx(np.trapezoid(y, x), abs=1e-4)


def test_precision_recall_curve() -> None:
    positive, score, _ = images(9)
    precision, recall, _ = reference.precision_recall_curve(positive, score)
    theirs = np.column_stack([recall, precision])[::-1][1:]  # without the point (0, 1) that no threshold gives
    assert np.allclose(precision_recall(positive, score), theirs, atol=1e-5)


def test_calibration_error_is_the_gap_of_the_calibration_curve() -> None:
    calibration = pytest.importorskip("sklearn.calibration")
    positive, score, _ = images(10, number=400)
    score = np.minimum(score + 0.003, 1)  # no score on the edge of a bin, which belongs to another bin there
    kept, promised = calibration.calibration_curve(positive, score, n_bins=10)
    sizes = np.bincount(weighted.bin_of(score, 10), minlength=10)
    expected = (np.abs(kept - promised) * sizes[sizes > 0]).sum() / len(score)
    assert value(weighted.calibration_error, positive, score) == pytest.approx(expected, abs=1e-12)
