"""DeLong's test against its definition, and against intervals that resample."""

from __future__ import annotations

import math

import numpy as np
import pytest

from converter.evaluation import weighted
from converter.evaluation.comparison import delong, paired_difference
from converter.evaluation.intervals import bootstrap
from converter.evaluation.metrics import auc
from converter.evaluation.weighted import Bools, Floats


def two_models(seed: int = 1, number: int = 120) -> tuple[Bools, Floats, Floats]:
    rng = np.random.default_rng(seed)
    positive = rng.random(number) < 0.4
    common = np.where(positive, 1.0, 0.0) + rng.normal(0, 0.8, number)
    return positive, (common + rng.normal(0, 0.3, number)).round(1), (common + rng.normal(0, 1.2, number)).round(1)


def delong_by_definition(positive: Bools, one: Floats, other: Floats) -> tuple[float, float]:
    """Difference and variance from every pair of a positive and a negative (equations 4 to 6 of the paper)."""
    kernels = []
    for score in (one, other):
        x, y = score[positive][:, None], score[~positive][None, :]
        kernels.append((x > y) + 0.5 * (x == y))
    v10, v01 = ([kernel.mean(axis=axis) for kernel in kernels] for axis in (1, 0))
    m, n = kernels[0].shape
    area = [kernel.mean() for kernel in kernels]

    def covariance(values: list[Floats], r: int, s: int, count: int) -> float:
        return float(((values[r] - area[r]) * (values[s] - area[s])).sum() / (count - 1))

    def s(r: int, q: int) -> float:
        return covariance(v10, r, q, int(m)) / int(m) + covariance(v01, r, q, int(n)) / int(n)

    return area[0] - area[1], s(0, 0) + s(1, 1) - 2 * s(0, 1)


@pytest.mark.parametrize("seed", range(6))
def test_delong_is_what_the_paper_defines(seed: int) -> None:
    positive, one, other = two_models(seed)
    difference, variance = delong_by_definition(positive, one, other)
    found = delong(positive, one, other)
    assert found.difference == pytest.approx(auc(positive, one) - auc(positive, other), abs=1e-12)
    assert found.difference == pytest.approx(difference, abs=1e-12)
    assert found.standard_error == pytest.approx(math.sqrt(variance), abs=1e-12)
    assert found.p == pytest.approx(math.erfc(abs(difference) / math.sqrt(2 * variance)), abs=1e-12)


def test_variance_of_one_auc_against_a_model_that_guesses_is_that_of_its_placements() -> None:
    # Hand-worked: positives 3, 5 and negatives 2, 4; the other model gives one score to all (AUC 0.5, no variance).
    positive, score = np.array([True, True, False, False]), np.array([3.0, 5.0, 2.0, 4.0])
    found = delong(positive, score, np.zeros(4))
    # placements: positives 1/2, 1; negatives 1, 1/2; each has variance 1/8 over two images
    assert found.difference == pytest.approx(0.25)
    assert found.standard_error == pytest.approx(math.sqrt(1 / 16 + 1 / 16))


def test_a_model_does_not_differ_from_itself() -> None:
    positive, one, _ = two_models()
    found = delong(positive, one, one)
    assert (found.difference, found.z, found.p) == (0, 0, 1)


def test_two_perfect_and_opposite_models_differ_without_any_doubt() -> None:
    positive = np.array([True, True, False, False])
    found = delong(positive, np.array([4.0, 3, 2, 1]), np.array([1.0, 2, 3, 4]))
    assert (found.difference, found.p) == (1, 0)


def test_delong_needs_two_images_of_each_class() -> None:
    with pytest.raises(ValueError, match="two images of each class"):
        delong(np.array([True, False, False]), np.arange(3.0), np.arange(3.0))


def test_resampling_agrees_with_delong_where_every_patient_has_one_image() -> None:
    positive, one, other = two_models(number=400)
    patients = np.arange(400).astype(str)
    found = paired_difference((weighted.auc, weighted.auc), positive, one, other, patients)
    test = delong(positive, one, other)
    assert found.value == pytest.approx(test.difference)
    assert found.low == pytest.approx(test.low, abs=0.012)
    assert found.high == pytest.approx(test.high, abs=0.012)


def test_models_that_hardly_differ_have_a_far_narrower_interval_than_either_alone() -> None:
    positive, one, other = two_models(number=300)
    patients = np.arange(300).astype(str)
    paired = paired_difference((weighted.auc, weighted.auc), positive, one, one + 1e-9 * other, patients)
    alone = bootstrap(weighted.auc, positive, one, patients)
    assert paired.high - paired.low < (alone.high - alone.low) / 5
