"""Baselines learn what is plain to see, on the same splits, and their report shows what they depend on."""

from __future__ import annotations

import importlib.util
import json
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.support.checkout import CONFIG
from tests.support.cohorts.small_cohorts import SPLIT_IMAGES, draw_cohorts
from training.__main__ import main
from training.learning.recipe import load_recipe, save_recipe, with_values

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("sklearn") is None, reason="scikit-learn ([training]) not installed"),
    pytest.mark.filterwarnings("ignore"),
]
RECIPE = CONFIG / "training" / "pneumonia.yaml"
COHORTS = {"kermany224": {"per_class": 2, "label_smoothing": 0}, "nih512": {"per_class": 2, "label_smoothing": 0}}


@pytest.fixture(scope="module")
def lab() -> SimpleNamespace:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from training.judging import baseline_models, sensitivity
    return SimpleNamespace(models=baseline_models, sensitivity=sensitivity)


def pictures_with_a_bright_corner(images: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    pictures, positive = rng.random((images, 16, 16)) * 0.5, np.arange(images) % 2 == 0
    pictures[positive, :4, :4] += 0.4
    return pictures, positive


def test_every_model_finds_what_is_plain_to_see(lab: SimpleNamespace) -> None:
    learned, positive = pictures_with_a_bright_corner(80, 0)
    unseen, wanted = pictures_with_a_bright_corner(40, 1)
    for name in lab.models.MODELS:
        scores = lab.models.scores(name, learned, positive, unseen)
        assert scores[wanted].min() >= scores[~wanted].mean(), name


@pytest.mark.parametrize("side", [32, 48, 240])
def test_the_baseline_beside_a_network_takes_inputs_of_any_size(side: int) -> None:
    from training.judging.baseline_models import logistic_regression

    positive = np.arange(40) % 2 == 0
    inputs = np.random.default_rng(0).normal(0, 1, (40, 1, side, side)).astype(np.float32)
    inputs[positive, :, : side // 2] += 0.5
    found = logistic_regression(inputs[:30], positive[:30], inputs[30:])
    assert found[positive[30:]].min() > found[~positive[30:]].max()
    last = logistic_regression(np.moveaxis(inputs[:30], 1, -1), positive[:30], np.moveaxis(inputs[30:], 1, -1))
    assert np.allclose(found, last)


def test_block_means_keep_the_mean_of_a_picture(lab: SimpleNamespace) -> None:
    pictures = np.random.default_rng(0).random((3, 64, 64))
    assert np.allclose(lab.models.block_means(pictures, 8).mean(axis=(1, 2)), pictures.mean(axis=(1, 2)))


def test_a_smaller_share_of_patients_is_part_of_a_larger_and_splits_no_patient(lab: SimpleNamespace) -> None:
    from tests.support.cohorts.examples import labelled

    examples = [labelled(Path(f"{n}"), "nih512", n % 2 == 0, "train", f"p{n // 2}") for n in range(40)]
    pictures = lab.sensitivity.Pictures(("pneumonia",), examples, np.zeros((40, 64, 64), np.uint8), None, None)
    few, more = pictures._of_patients(0.25), pictures._of_patients(0.5)
    assert (few.sum(), more.sum()) == (10, 20)
    assert not (few & ~more).any()
    assert all(few[n] == few[n + 1] for n in range(0, 40, 2))


def test_the_report_has_a_figure_for_each_cohort_and_a_plot_for_each_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = draw_cohorts(tmp_path / "data", "kermany224", "nih512")
    recipe = with_values(
        load_recipe(RECIPE),
        {"cohorts": COHORTS, "search": {}, "input.height": 64, "input.width": 64},
    )
    save_recipe(tmp_path / "recipe.yaml", recipe)
    monkeypatch.chdir(tmp_path)
    main(["baselines", "recipe.yaml", "report", "--data", str(data), "--models", "logistic regression", "SVM"])
    numbers = json.loads((tmp_path / "report" / "baselines.json").read_text(encoding="utf-8"))
    assert list(numbers) == ["training size", "resolution", "noise"]
    clean = numbers["noise"]["points"]["logistic regression"][0][1]
    assert set(clean) == {"kermany224", "nih512"}
    assert min(clean.values()) > 0.9
    text = (tmp_path / "report" / "baselines.md").read_text(encoding="utf-8")
    assert f"{2 * SPLIT_IMAGES['val']} films of val" in text
    assert "| model | 8 | 16 | 32 | 64 |" in text and text.count("| SVM | ") == 4
    for plot in ("training-size.svg", "resolution.svg", "noise.svg"):
        assert (tmp_path / "report" / plot).read_text(encoding="utf-8").startswith("<?xml")
