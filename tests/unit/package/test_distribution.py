"""The reference that a package carries, and how far images in service are from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from converter.package.distribution import BINS_MAX, Distribution, Histogram, InputStatistic
from converter.package.image_statistics import STATISTICS, histogram, input_statistics, measure_distribution
from converter.package.manifest import Manifest
from converter.package.stability import DECLINED, bins_of_image, by_chance, references, stability_index
from converter.phantom.chest_sketch import sketch_chest
from tests.unit.package.test_manifest import valid_manifest

RNG = np.random.default_rng(5)


def films(count: int = 400, brightness: float = 0.5, spread: float = 0.1) -> list[dict[InputStatistic, float]]:
    return [dict.fromkeys(STATISTICS, float(value)) for value in RNG.normal(brightness, spread, count)]


def counted(
    distribution: Distribution, scores: np.ndarray, statistics: list[dict[InputStatistic, float]]
) -> dict[str, Any]:
    counts = {name: [0] * len(one.shares) for name, one in references(distribution).items()}
    for score, film in zip(scores, statistics, strict=True):
        for name, place in bins_of_image(distribution, {"pneumonia": float(score)}, film).items():
            counts[name][place] += 1
    return counts


@pytest.fixture(scope="module")
def distribution() -> Distribution:
    return measure_distribution("made val", ["pneumonia"], RNG.beta(0.4, 0.4, (400, 1)), films(), declined=4)


def test_statistics_are_those_of_the_picture_and_do_not_depend_on_its_size() -> None:
    large = (sketch_chest(1536, 1260, noise=0) * 255).astype(np.uint8)
    small = (sketch_chest(512, 420, noise=0) * 255).astype(np.uint8)
    of_large, of_small = input_statistics(large), input_statistics(small)
    assert of_large["aspect"] == pytest.approx(1260 / 1536) and tuple(of_large) == STATISTICS
    assert of_large == pytest.approx(of_small, abs=0.01)
    assert of_large["mean"] == pytest.approx(large.mean() / 255, abs=0.01)
    assert of_large["p5"] < of_large["p50"] < of_large["p95"] <= 1
    assert input_statistics(255 - large)["mean"] == pytest.approx(1 - of_large["mean"], abs=0.01)


def test_bins_of_the_reference_hold_about_as_many_films_each(distribution: Distribution) -> None:
    assert distribution.scores["pneumonia"].shares == pytest.approx([0.1] * 10, abs=0.01)
    assert distribution.images == 400 and distribution.declined_share == pytest.approx(4 / 404, abs=1e-6)


def test_films_like_the_reference_are_as_near_as_chance_makes_them(distribution: Distribution) -> None:
    counts = counted(distribution, RNG.beta(0.4, 0.4, 300), films(300))
    for name, reference in references(distribution).items():
        if name != DECLINED:
            index = stability_index(reference, distribution.images, counts[name])
            assert index < by_chance(reference, distribution.images, 300)[1], name


def test_chance_is_what_films_like_the_reference_have_on_average(distribution: Distribution) -> None:
    reference = distribution.scores["pneumonia"]
    expected, limit = by_chance(reference, 10**9, 200)
    shares = np.array(reference.shares) / sum(reference.shares)
    indices = [stability_index(reference, 10**9, RNG.multinomial(200, shares).tolist()) for _ in range(400)]
    assert np.mean(indices) == pytest.approx(expected, rel=0.15)
    assert np.mean(np.array(indices) > limit) < 0.005


def test_darker_films_and_other_scores_are_far(distribution: Distribution) -> None:
    counts = counted(distribution, RNG.beta(2, 6, 300), films(300, brightness=0.3))
    found = {
        name: stability_index(one, distribution.images, counts[name]) for name, one in references(distribution).items()
    }
    assert found["score:pneumonia"] > 0.25 and found["input:mean"] > 1


def test_more_declined_films_are_far_and_as_many_are_not(distribution: Distribution) -> None:
    reference = references(distribution)[DECLINED]
    assert stability_index(reference, distribution.images, [297, 3]) < 0.01
    assert stability_index(reference, distribution.images, [200, 100]) > 0.25


def test_a_declined_film_counts_as_declined_and_has_no_score(distribution: Distribution) -> None:
    assert bins_of_image(distribution, None, None) == {DECLINED: 1}
    assert bins_of_image(distribution, {"pneumonia": 0.5}, None)[DECLINED] == 0


def test_the_index_of_known_shares_is_the_formula() -> None:
    reference = Histogram(edges=(0.5,), shares=(0.5, 0.5))
    assert stability_index(reference, 1000, [80, 20]) == pytest.approx(0.3 * np.log(1.6) - 0.3 * np.log(0.4))
    assert np.isfinite(stability_index(reference, 1000, [10, 0]))
    with pytest.raises(ValueError, match="3 counts"):
        stability_index(reference, 1000, [1, 1, 1])
    with pytest.raises(ValueError, match="0 images"):
        stability_index(reference, 1000, [0, 0])


def test_the_same_films_make_the_same_section() -> None:
    scores = np.linspace(0, 1, 50)[:, np.newaxis]
    statistics = [dict.fromkeys(STATISTICS, float(value)) for value in np.linspace(0, 1, 50)]
    one, other = (measure_distribution("val", ["pneumonia"], scores, statistics) for _ in range(2))
    assert one == other and one.declined_share is None and DECLINED not in references(one)


def test_what_is_the_same_on_all_films_is_not_compared() -> None:
    statistics = [dict.fromkeys(STATISTICS, float(value)) | {"aspect": 1.0} for value in np.linspace(0, 1, 50)]
    found = measure_distribution("val", ["pneumonia"], np.linspace(0, 1, 50)[:, None], statistics)
    assert "aspect" not in found.inputs and "mean" in found.inputs
    assert histogram([0.2] * 10) is None


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(ValueError, match="do not belong together"):
        measure_distribution("val", ["pneumonia"], np.zeros((3, 1)), films(4))
    with pytest.raises(ValueError, match="do not belong together"):
        measure_distribution("val", ["pneumonia"], np.zeros((0, 1)), [])
    with pytest.raises(ValueError, match="NaN"):
        histogram([0.1, float("nan")])


def test_the_section_passes_through_a_manifest(distribution: Distribution) -> None:
    document = valid_manifest() | {"distribution": distribution.model_dump(mode="json")}
    assert Manifest.model_validate(document).distribution == distribution


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"scores": {"fracture": {"edges": [0.5], "shares": [0.5, 0.5]}}}, "no finding of this model: fracture"),
        ({"scores": {"pneumonia": {"edges": [0.5], "shares": [0.5, 0.3, 0.2]}}}, "2 bins, not 3"),
        ({"scores": {"pneumonia": {"edges": [0.5, 0.5], "shares": [0.5, 0.3, 0.2]}}}, "above the one before"),
        ({"scores": {"pneumonia": {"edges": [0.5], "shares": [0.5, 0.6]}}}, "add up to 1"),
        ({"scores": {"pneumonia": {"edges": [float("inf")], "shares": [0.5, 0.5]}}}, "finite"),
        ({"inputs": {"weight": {"edges": [0.5], "shares": [0.5, 0.5]}}}, "weight"),
        (
            {"inputs": {"mean": {"edges": list(range(BINS_MAX)), "shares": [1.0] + [0.0] * BINS_MAX}}},
            f"at most {BINS_MAX - 1}",
        ),
    ],
)
def test_a_section_that_is_no_histogram_is_refused(broken: dict[str, Any], message: str) -> None:
    section = {"fitted_on": "val", "images": 10, "scores": {}, "inputs": {}} | broken
    with pytest.raises(ValidationError, match=message):
        Manifest.model_validate(valid_manifest() | {"distribution": section})
