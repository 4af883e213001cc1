"""Which calibration a finding gets, and its numbers."""

from __future__ import annotations

import numpy as np
import pytest

from converter.evaluation.metrics import auc, calibration_error
from converter.package.calibration import KNOTS_MAX, Calibration, Knot
from training.packaging.calibrate import (
    FILMS_MIN,
    calibrated,
    choose_calibration,
    fit_isotonic,
    fit_platt,
    fit_temperature,
    folds,
    log_loss,
    simplest,
)
from training.packaging.scored import Scored


def honest_logits(images: int, seed: int) -> Scored:
    """Labels drawn with exactly the probability that the logit promises; two images a patient."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(0, 2, images)
    patients = np.array([f"{seed}-{n // 2}" for n in range(images)])
    return Scored(rng.random(images) < 1 / (1 + np.exp(-logit)), logit, patients)


def seen_as(scored: Scored, logit: np.ndarray) -> Scored:
    return Scored(scored.positive, logit, scored.patients)


@pytest.mark.parametrize("oversure", [0.5, 1.0, 3.0])
def test_temperature_undoes_logits_that_are_too_sure_or_too_shy(oversure: float) -> None:
    honest = honest_logits(20_000, seed=1)
    fitted = fit_temperature({"a": seen_as(honest, honest.score * oversure)})
    assert fitted.temperature == pytest.approx(oversure, rel=0.06)


def test_platt_undoes_an_offset_as_well() -> None:
    honest = honest_logits(20_000, seed=1)
    fitted = fit_platt({"a": seen_as(honest, 2 * honest.score - 3)})
    assert fitted.temperature == pytest.approx(2, rel=0.1)
    assert fitted.bias == pytest.approx(1.5, abs=0.1)


def test_isotonic_undoes_a_bend() -> None:
    honest = honest_logits(20_000, seed=1)
    bent = seen_as(honest, np.where(honest.score > 0, honest.score * 4, honest.score))
    probability = 1 / (1 + np.exp(-calibrated(fit_isotonic({"a": bent}), bent.score)))
    assert calibration_error(bent.positive, probability) < 0.015
    straight = 1 / (1 + np.exp(-calibrated(fit_platt({"a": bent}), bent.score)))
    assert calibration_error(bent.positive, straight) > 0.03


def test_a_large_cohort_does_not_drown_a_small_one() -> None:
    large, small = honest_logits(20_000, seed=1), honest_logits(2_000, seed=2)
    mixed = {"large": large, "small": seen_as(small, small.score * 4)}
    pooled = Scored(*(np.concatenate([getattr(mixed[n], k) for n in mixed]) for k in ("positive", "score", "patients")))
    assert fit_temperature(mixed).temperature > 1.2 * fit_temperature({"all": pooled}).temperature


@pytest.mark.parametrize("fit", [fit_temperature, fit_platt, fit_isotonic])
def test_no_calibration_changes_the_order_of_films(fit: object) -> None:
    scored = honest_logits(300, seed=4)
    fitted = fit({"a": scored})  # type: ignore[operator]
    wide = np.linspace(-30, 30, 5001)
    assert (np.diff(calibrated(fitted, wide)) > 0).all()
    assert auc(scored.positive, calibrated(fitted, scored.score)) == pytest.approx(auc(scored.positive, scored.score))


def test_isotonic_of_a_large_split_stays_within_the_limit_of_knots() -> None:
    assert 2 <= len(fit_isotonic({"a": honest_logits(50_000, seed=1)}).knots) <= KNOTS_MAX


def test_isotonic_lines_run_on_with_slope_one() -> None:
    knots = (Knot(raw=-1, calibrated=-2), Knot(raw=1, calibrated=3))
    curve = Calibration(method="isotonic", temperature=2, bias=1, knots=knots, fitted_on="x")
    assert calibrated(curve, 2 * (np.array([-3.0, -1, 0, 1, 4]) - 1)).tolist() == [-4, -2, 0.5, 3, 6]


def test_the_simplest_method_is_taken_when_the_logits_are_honest() -> None:
    chosen = choose_calibration({"a": honest_logits(3000, seed=3)}, "a val")
    assert chosen.method == "none"
    assert "held-out log loss" in chosen.reason
    assert chosen.fitted_on == "a val"


@pytest.mark.parametrize(
    ("distort", "method"),
    [
        (lambda logit: 3 * logit, "temperature"),
        (lambda logit: logit - 2, "platt"),
        (lambda logit: np.where(logit > 0, logit * 5, logit), "isotonic"),
    ],
)
def test_the_method_is_as_complex_as_the_fault(distort: object, method: str) -> None:
    honest = honest_logits(4000, seed=3)
    assert choose_calibration({"a": seen_as(honest, distort(honest.score))}, "a val").method == method  # type: ignore[operator]


def test_a_method_is_not_passed_over_because_a_simpler_one_was_beaten() -> None:
    """The third beats the first by more than a standard error, and the second by less: the second is taken."""
    rng = np.random.default_rng(0)
    first = rng.normal(0.5, 0.01, 100)
    losses = {"none": first, "temperature": first - 0.01 + rng.normal(0, 0.2, 100), "platt": first - 0.02}
    assert simplest(losses, np.full(100, 0.01)) == "temperature"
    assert simplest({"none": losses["none"], "platt": losses["platt"]}, np.full(100, 0.01)) == "platt"


def test_nothing_is_fitted_to_a_handful_of_films() -> None:
    few = honest_logits(30, seed=3)
    assert choose_calibration({"a": few}, "a val").method == "none"
    assert f"{FILMS_MIN} are needed" in choose_calibration({"a": few}, "a val").reason


def test_a_patient_is_never_on_both_sides() -> None:
    cohorts = {"a": honest_logits(100, seed=1), "b": honest_logits(80, seed=1)}
    seen = 0
    for held, learned in folds(cohorts, seed=0):
        out = {p for name, members in held.items() for p in cohorts[name].patients[members]}
        assert not out & {p for one in learned.values() for p in one.patients}
        seen += sum(int(members.sum()) for members in held.values())
    assert seen == 180


def test_log_loss_survives_extreme_logits() -> None:
    assert log_loss(np.array([True, False]), np.array([1000.0, -1000.0])).tolist() == [0, 0]
    assert log_loss(np.array([True]), np.array([-1000.0])).tolist() == [1000]


def test_logits_that_are_not_finite_are_an_error() -> None:
    broken = Scored(np.array([True, False]), np.array([np.inf, np.nan]), np.array(["a", "b"]))
    with pytest.raises(ValueError, match="no finite log loss"):
        choose_calibration({"a": broken}, "a val")
