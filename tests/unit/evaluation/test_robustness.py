"""A model that looks at how a film was framed or processed is found out; one that does not is not accused."""

from __future__ import annotations

import numpy as np
import pytest

from converter.evaluation.changes import CHANGES
from converter.evaluation.plots import Figure, steps
from converter.evaluation.robustness import LabelledFilms, robustness, weak_points, worded
from converter.evaluation.robustness_page import robustness_section
from converter.phantom.chest_sketch import sketch_chest
from tests.support.models.eyes import Seeing, brightness

BY_NAME = {change.name: change for change in CHANGES}


def films(number: int = 24) -> LabelledFilms:
    """Every second one is a little brighter throughout, and labelled so."""
    positive = np.arange(number) % 2 == 0
    chests = [sketch_chest(160, 150, seed=n) * 0.7 for n in range(number)]
    brighter = [np.asarray(one + 0.08 * yes, dtype=np.float32) for one, yes in zip(chests, positive, strict=True)]
    return LabelledFilms("made", brighter, positive, np.array([f"p{n}" for n in range(number)]))


def level(labelled: LabelledFilms) -> float:
    means = np.array([film.mean() for film in labelled.films])
    return float((means[labelled.positive].min() + means[~labelled.positive].max()) / 2)


def test_brightness_does_not_survive_a_border_and_does_survive_noise() -> None:
    labelled = films()
    found = robustness(labelled, Seeing(brightness(level(labelled))), 0, [BY_NAME["white border"], BY_NAME["noise"]])
    assert found["as_stored"]["auc"]["value"] == 1 and found["as_stored"]["flipped"]["value"] == 0
    border, noise = found["changes"]
    strongest = border["strengths"][-1]
    assert strongest["specificity"]["value"] == 0 and strongest["sensitivity"]["value"] == 1
    assert strongest["flipped"]["value"] == pytest.approx(0.5)  # every healthy film
    assert noise["strengths"][0]["flipped"]["value"] == 0
    assert [one.split(" ")[0] for one in weak_points(found)] == ["white"]


def test_a_blind_model_flips_nothing_and_tells_nothing_apart() -> None:
    blind = Seeing(lambda gray: np.full((8, 8), -1.0, dtype=np.float32))
    found = robustness(films(), blind, 0, [BY_NAME["rotation"]])
    assert all(one["flipped"]["value"] == 0 and one["auc"]["value"] == 0.5 for one in found["changes"][0]["strengths"])
    assert weak_points(found) == []


def test_what_is_refused_is_counted_by_code_and_in_no_figure() -> None:
    labelled = films()
    model = Seeing(brightness(level(labelled)), accepts=lambda gray: float(gray[0].mean()) < 0.5)
    found = robustness(labelled, model, 0, [BY_NAME["white border"]])
    assert found["as_stored"]["refused"]["value"] == 0
    (change,) = found["changes"]
    for one in change["strengths"]:
        assert one["refused"]["value"] == 1 and one["answered"] == 0 and one["codes"] == {"gate-noise": 24}
        assert one["auc"]["value"] is one["flipped"]["value"] is None


def test_figures_of_too_few_patients_are_left_out() -> None:
    found = robustness(films(6), Seeing(brightness(0.3)), 0, [BY_NAME["noise"]])
    assert found["as_stored"]["auc"]["value"] is None and weak_points(found) == []


def test_strengths_are_worded_with_their_units() -> None:
    assert worded(15, "degrees") == "15 degrees" and worded(0.2, "of each side length") == "20 % of each side length"
    assert worded(3, "clip limit") == "clip limit 3"


def test_the_section_shows_each_change_with_its_figures_and_a_plot() -> None:
    labelled = films()
    found = robustness(labelled, Seeing(brightness(level(labelled))), 0, [BY_NAME["white border"], BY_NAME["JPEG"]])
    page = robustness_section(found)
    assert page.count('<svg class="plot"') == 2 and "white border 20 % of the film at each side" in page
    assert "50.0 %" in page and "Changed films: made" in page


def test_a_line_is_broken_where_a_figure_is_unknown() -> None:
    known: Figure = {"value": 0.5, "low": 0.4, "high": 0.6}
    unknown: Figure = {"value": None, "low": None, "high": None}
    whole = steps([("a", [known, known, known, known])], ["0", "1", "2", "3"], "t", "l")
    broken = steps([("a", [known, known, unknown, known])], ["0", "1", "2", "3"], "t", "l")
    points = [drawn.split('class="s1" points="')[1].split('"')[0].split(" ") for drawn in (whole, broken)]
    assert [len(one) for one in points] == [4, 2] and broken.count("<circle") == 3
