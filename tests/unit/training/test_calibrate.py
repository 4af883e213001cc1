"""The temperature and the operating threshold."""

from __future__ import annotations

import numpy as np
import pytest

from converter.evaluation.metrics import sensitivity
from training.calibrate import Scored, choose_threshold, fit_temperature, log_loss


def honest_logits(images: int, seed: int) -> Scored:
    """Labels drawn with exactly the probability that the logit promises."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(0, 2, images)
    return Scored(rng.random(images) < 1 / (1 + np.exp(-logit)), logit)


@pytest.mark.parametrize("oversure", [0.5, 1.0, 3.0])
def test_temperature_undoes_logits_that_are_too_sure_or_too_shy(oversure: float) -> None:
    honest = honest_logits(20_000, seed=1)
    assert fit_temperature({"a": Scored(honest.positive, honest.score * oversure)}) == pytest.approx(oversure, rel=0.06)


def test_a_large_cohort_does_not_drown_a_small_one() -> None:
    large, small = honest_logits(20_000, seed=1), honest_logits(2_000, seed=2)
    mixed = {"large": large, "small": Scored(small.positive, small.score * 4)}
    pooled = {"all": Scored(*(np.concatenate([mixed[n].__dict__[k] for n in mixed]) for k in ("positive", "score")))}
    assert fit_temperature(mixed) > 1.2 * fit_temperature(pooled)


def test_log_loss_survives_extreme_logits() -> None:
    assert log_loss(np.array([True, False]), np.array([1000.0, -1000.0])) == 0
    assert log_loss(np.array([True]), np.array([-1000.0])) == 1000


def test_threshold_keeps_the_sensitivity_that_the_rule_promises() -> None:
    rng = np.random.default_rng(5)
    positive = rng.random(600) < 0.6
    guarded = Scored(positive, 1 / (1 + np.exp(-np.where(positive, 1.5, -1.5) - rng.normal(0, 1, 600))))
    noisy = Scored(positive, 1 / (1 + np.exp(-np.where(positive, 0.4, -0.4) - rng.normal(0, 1, 600))))
    cohorts = {"guarded": guarded, "noisy": noisy}
    loose, strict = (choose_threshold(cohorts, "guarded", minimum) for minimum in (0.5, 0.99))
    assert sensitivity(positive, guarded.score, strict) >= 0.99
    assert strict < loose


def test_threshold_is_stated_as_it_was_chosen() -> None:
    """Halfway between the classes lies 0.30006, which rounds up, above every positive."""
    close = Scored(np.array([False, False, True]), np.array([0.1, 0.30004, 0.30008]))
    chosen = choose_threshold({"a": close}, "a", 1.0)
    assert chosen == round(chosen, 4)
    assert sensitivity(close.positive, close.score, chosen) == 1.0


def test_logits_that_are_not_finite_are_an_error() -> None:
    with pytest.raises(ValueError, match="no finite log loss"):
        fit_temperature({"a": Scored(np.array([True, False]), np.array([np.inf, np.nan]))})


def test_threshold_lies_between_the_classes_when_they_are_apart() -> None:
    apart = Scored(np.array([False, False, True, True]), np.array([0.1, 0.2, 0.8, 0.9]))
    assert choose_threshold({"a": apart}, "a", 1.0) == pytest.approx(0.5)


def test_a_sensitivity_out_of_reach_is_an_error() -> None:
    inverted = Scored(np.array([True, False]), np.array([0.1, 0.9]))
    with pytest.raises(ValueError, match="no threshold keeps a"):
        choose_threshold({"a": inverted}, "a", 1.0)
