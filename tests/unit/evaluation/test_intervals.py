"""Intervals: patients are resampled, a flawless share is not called certain, memory is bounded."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest

from converter.evaluation import intervals, weighted
from converter.evaluation.intervals import UNKNOWN, Estimate, bootstrap, exact_if_unanimous, patient_weights
from converter.evaluation.metrics import auc


def test_weights_are_those_of_drawing_whole_patients() -> None:
    patients = np.array(["a", "b", "b", "c"])
    weights = np.concatenate(list(patient_weights(patients, 200, seed=5)))
    assert weights.shape == (200, 4)
    assert (weights[:, 1] == weights[:, 2]).all()
    assert ((weights[:, 0] + weights[:, 1] + weights[:, 3]) == 3).all()


def test_a_sample_weighed_is_the_sample_written_out() -> None:
    rng = np.random.default_rng(2)
    positive, score, patients = rng.random(30) < 0.5, rng.random(30).round(1), rng.integers(0, 12, 30).astype(str)
    (weights,) = patient_weights(patients, 20, seed=1)
    for row in weights.astype(int):
        drawn = np.repeat(np.arange(30), row)
        expected = auc(positive[drawn], score[drawn])
        assert weighted.auc(positive, score, row[np.newaxis])[0] == pytest.approx(expected, nan_ok=True)


def test_however_many_images_only_a_bounded_number_of_weights_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    patients = np.arange(50).astype(str)
    whole = list(patient_weights(patients, 40, seed=3))
    monkeypatch.setattr(intervals, "WEIGHTS_AT_ONCE_MAX", 500)
    parts = list(patient_weights(patients, 40, seed=3))
    assert len(whole) == 1 and [len(part) for part in parts] == [10] * 4
    assert np.array_equal(np.concatenate(parts), whole[0])


def test_a_flawless_share_is_not_certain() -> None:
    # Clopper and Pearson, 20 of 20: 83.2 % to 100 %
    assert astuple(exact_if_unanimous(Estimate(1, 1, 1), 20)) == (1, pytest.approx(0.8316, abs=1e-4), 1)
    assert astuple(exact_if_unanimous(Estimate(0, 0, 0), 20)) == (0, 0, pytest.approx(0.1684, abs=1e-4))
    assert exact_if_unanimous(Estimate(0.9, 0.8, 1), 20) == Estimate(0.9, 0.8, 1)
    assert exact_if_unanimous(UNKNOWN, 0) is UNKNOWN


def test_nine_in_ten_intervals_hold_the_truth() -> None:
    """The AUC of two normal distributions one standard deviation apart is 0.7602."""
    held = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        positive = np.arange(80) < 40
        score = np.where(positive, 1.0, 0.0) + rng.normal(size=80)
        found = bootstrap(weighted.auc, positive, score, np.arange(80).astype(str), rounds=200)
        held += found.low <= 0.7602 <= found.high
    assert held >= 52


def test_a_distance_lies_within_its_own_interval() -> None:
    """Resampling adds noise, noise adds distance: without a correction one interval in five lies above its figure."""
    for seed in range(40):
        rng = np.random.default_rng(seed)
        score = rng.beta(0.5, 0.5, 200)
        positive, patients = rng.random(200) < score, np.arange(200).astype(str)
        found = bootstrap(weighted.calibration_error, positive, score, patients, rounds=200, noise_adds=True)
        assert 0 <= found.low <= found.value <= found.high


def test_nine_in_ten_intervals_of_the_calibration_error_hold_the_truth() -> None:
    """Each of five stated probabilities is 0.15 above the share that is kept."""
    held = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        score = rng.choice([0.25, 0.35, 0.55, 0.75, 0.95], 300)
        positive = rng.random(300) < score - 0.15
        patients = np.arange(300).astype(str)
        found = bootstrap(weighted.calibration_error, positive, score, patients, rounds=200, noise_adds=True)
        held += found.low <= 0.15 <= found.high
    assert held >= 52
