"""The figures on a card, against cases that can be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from converter.evaluation import weighted
from converter.evaluation.intervals import bootstrap
from converter.evaluation.metrics import auc, brier, calibration_error, sensitivity, specificity

LABELS = np.array([False, False, True, True])


def test_auc_counts_pairs_and_halves_ties() -> None:
    assert auc(LABELS, np.array([0.1, 0.2, 0.8, 0.9])) == 1
    assert auc(LABELS, np.array([0.9, 0.8, 0.2, 0.1])) == 0
    assert auc(LABELS, np.array([0.1, 0.5, 0.5, 0.9])) == 0.875
    assert auc(LABELS, np.full(4, 0.5)) == 0.5


def test_a_missing_class_has_no_figure() -> None:
    positives = np.array([True, True])
    assert math.isnan(auc(positives, np.array([0.1, 0.2])))
    assert math.isnan(specificity(positives, np.array([0.1, 0.2]), 0.5))
    assert math.isnan(sensitivity(~positives, np.array([0.1, 0.2]), 0.5))


def test_a_score_at_the_threshold_is_positive() -> None:
    score = np.array([0.5, 0.2, 0.5, 0.4])
    assert sensitivity(LABELS, score, 0.5) == 0.5
    assert specificity(LABELS, score, 0.5) == 0.5


def test_calibration_error_is_the_gap_between_promised_and_kept() -> None:
    honest = np.array([False, True] * 50)
    assert calibration_error(honest, np.full(100, 0.5)) == pytest.approx(0)
    assert calibration_error(honest, np.full(100, 0.9)) == pytest.approx(0.4)
    assert calibration_error(np.array([True]), np.array([1.0])) == 0
    assert brier(honest, np.full(100, 0.5)) == pytest.approx(0.25)


def test_intervals_resample_patients_so_that_repeated_images_do_not_narrow_them() -> None:
    rng = np.random.default_rng(3)
    positive = rng.random(40) < 0.5
    score = np.where(positive, 0.6, 0.4) + rng.normal(0, 0.2, 40)
    patients = np.arange(40).astype(str)
    once = bootstrap(weighted.auc, positive, score, patients, rounds=300)
    repeated = np.repeat(positive, 10), np.repeat(score, 10), np.repeat(patients, 10)
    tenfold = bootstrap(weighted.auc, *repeated, rounds=300)
    assert once.low < once.value < once.high
    assert tenfold.high - tenfold.low == pytest.approx(once.high - once.low, abs=0.03)


def test_intervals_are_the_same_each_time() -> None:
    arguments = (weighted.auc, LABELS, np.array([0.1, 0.6, 0.5, 0.9]), np.array(["a", "b", "c", "d"]))
    assert bootstrap(*arguments, rounds=50) == bootstrap(*arguments, rounds=50)
