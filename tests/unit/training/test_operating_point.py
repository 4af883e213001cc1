"""The threshold of a finding."""

from __future__ import annotations

import numpy as np
import pytest

from converter.evaluation.metrics import sensitivity, specificity
from training.packaging.calibrate import FILMS_MIN
from training.packaging.operating_point import HALFWAY, choose_operating_point, choose_threshold
from training.packaging.scored import Scored


def scored(positive: object, score: object) -> Scored:
    labels = np.array(positive)
    return Scored(labels, np.array(score), np.array([f"p{n}" for n in range(len(labels))]))


def films(distance: float, images: int, seed: int) -> Scored:
    rng = np.random.default_rng(seed)
    positive = rng.random(images) < 0.6
    logit = np.where(positive, distance, -distance) + rng.normal(0, 1, images)
    return scored(positive, 1 / (1 + np.exp(-logit)))


@pytest.mark.parametrize("rule", ["youden", "sensitivity"])
def test_threshold_keeps_the_sensitivity_that_the_rule_promises(rule: str) -> None:
    cohorts = {"guarded": films(1.5, 600, 5), "noisy": films(0.4, 600, 6)}
    loose, strict = (choose_threshold(cohorts, ("guarded",), minimum, rule) for minimum in (0.5, 0.99))
    guarded = cohorts["guarded"]
    assert sensitivity(guarded.positive, guarded.score, strict) >= 0.99
    assert strict < loose


def test_a_stated_sensitivity_is_bought_with_no_more_false_alarms_than_it_costs() -> None:
    one = films(1.5, 600, 5)
    chosen = choose_threshold({"a": one}, ("a",), 0.9, "sensitivity")
    assert sensitivity(one.positive, one.score, chosen) >= 0.9
    raised = float(np.sort(one.score[one.score >= chosen])[12])
    assert sensitivity(one.positive, one.score, raised) < 0.9


def test_youden_gives_up_a_stated_sensitivity_for_nothing() -> None:
    one = films(1.5, 600, 5)
    both = [
        sensitivity(one.positive, one.score, t) + specificity(one.positive, one.score, t)
        for t in (choose_threshold({"a": one}, ("a",), 0.5, rule) for rule in ("youden", "sensitivity"))
    ]
    assert both[0] > both[1]


def test_threshold_is_stated_as_it_was_chosen() -> None:
    """Halfway between the classes lies 0.30006, which rounds up, above every positive."""
    close = scored([False, False, True], [0.1, 0.30004, 0.30008])
    chosen = choose_threshold({"a": close}, ("a",), 1.0, "youden")
    assert chosen == round(chosen, 4)
    assert sensitivity(close.positive, close.score, chosen) == 1.0


def test_threshold_lies_between_the_classes_when_they_are_apart() -> None:
    apart = scored([False, False, True, True], [0.1, 0.2, 0.8, 0.9])
    assert choose_threshold({"a": apart}, ("a",), 1.0, "youden") == pytest.approx(0.5)


def test_a_sensitivity_out_of_reach_is_an_error() -> None:
    inverted = scored([True, False], [0.1, 0.9])
    with pytest.raises(ValueError, match="no threshold keeps a"):
        choose_threshold({"a": inverted}, ("a",), 1.0, "youden")


def test_the_rule_is_chosen_on_films_it_had_not_seen_and_says_why() -> None:
    chosen = choose_operating_point({"a": films(1.5, 800, 1), "b": films(0.8, 300, 2)}, ("a",), 0.9)
    assert chosen.point.rule in ("youden", "sensitivity")
    assert chosen.point.held_out_sensitivity == pytest.approx(0.93, abs=0.06)
    assert "held-out sensitivity of a / specificity of a+b" in chosen.point.reason
    assert "at least 0.9" in chosen.sentence


def test_a_cohort_of_one_answer_has_no_say() -> None:
    one = films(1.5, 800, 1)
    sick = scored([True] * 50, np.full(50, 0.01))
    assert choose_operating_point({"a": one, "sick": sick}, ("a", "sick"), 0.9) == choose_operating_point(
        {"a": one}, ("a",), 0.9
    )


def test_where_no_guarded_cohort_can_judge_all_that_can_are_guarded() -> None:
    assert choose_operating_point({"a": films(1.5, 800, 1)}, ("elsewhere",), 0.9).point.guarded == ("a",)


def test_scores_that_lie_together_leave_the_threshold_halfway() -> None:
    flat = films(1.5, 400, 1)
    flat = Scored(flat.positive, 0.49997 + 1e-6 * flat.score, flat.patients)
    chosen = choose_operating_point({"a": flat}, ("a",), 0.9)
    assert chosen.point.rule == "halfway"
    assert "no threshold keeps a at a sensitivity of 0.9" in chosen.sentence


def test_a_handful_of_films_leaves_the_threshold_halfway() -> None:
    chosen = choose_operating_point({"a": films(1.5, 30, 1)}, ("a",), 0.9)
    assert (chosen.threshold, chosen.point.rule) == (HALFWAY, "halfway")
    assert f"{FILMS_MIN} are needed" in chosen.sentence
