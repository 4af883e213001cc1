"""Every shipped recipe runs: its network is built, taught for two steps on films of the published layout, exported."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.recipes.own_films import OWN_FILMS, draw_described
from tests.support.checkout import CONFIG
from tests.support.cohorts.made_cohorts import MADE
from tests.support.cohorts.small_cohorts import draw_cohorts
from training.learning.network_shapes import EfficientNetLite
from training.learning.recipe import Recipe, load_recipe, with_values

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow ([training]) not installed"),
    pytest.mark.filterwarnings("ignore"),
]
RECIPES = sorted((CONFIG / "training").glob("*.yaml"))
DRAWN = ("kermany224", "kermany512", "nih512")
# What makes a made tree larger, so that no split of it is empty.
LARGER = {
    "covid_radiography": "films",
    "montgomery": "patients",
    "shenzhen": "patients",
    "tbx11k": "films",
    "brain_yes_no": "slices",
    "brain_classes": "slices",
    "brain_kinds": "slices",
}
# Healthy adults have tables of their own; the recipes that name them are taught whole in test_framed_commands.py.
LEFT_OUT = {"nih64", "rsna256"}
SIDE = 64


@pytest.fixture(scope="module")
def lab() -> SimpleNamespace:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from training.data import recipe_data
        from training.learning import lesson, teaching, zoo
        from training.packaging import export, scores
    return SimpleNamespace(export=export, data=recipe_data, scores=scores, lesson=lesson, teaching=teaching, zoo=zoo)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """--data of every cohort that a recipe names."""
    root = tmp_path_factory.mktemp("cohorts")
    names = {cohort for file in RECIPES for cohort in load_recipe(file).cohorts} - {*DRAWN, *LEFT_OUT, OWN_FILMS}
    given = [f"{name}={MADE[name](root / name, **{LARGER[name]: 12})}" for name in sorted(names)]
    given.append(f"{OWN_FILMS}={draw_described(root / OWN_FILMS, 60, SIDE)}")
    return [str(draw_cohorts(root / "drawn", *DRAWN)), *given]


def small(file: Path) -> Recipe:
    """The recipe with its own network, on smaller pictures, whole ones, for two steps."""
    recipe = load_recipe(file)
    cohorts = {
        name: share.model_dump() | {"per_class": 1} for name, share in recipe.cohorts.items() if name not in LEFT_OUT
    }
    values: dict[str, Any] = {"frame": None} if recipe.frame else {}
    if isinstance(recipe.network, EfficientNetLite):
        values["network.weights"] = "none"
    values |= {"cohorts": cohorts, "steps": 2, "report_steps": 2, "input.height": SIDE, "input.width": SIDE}
    return with_values(recipe, values | {"search": {}, "teachers": None, "early_stopping": None})


@pytest.mark.parametrize("file", RECIPES, ids=lambda file: file.stem)
def test_a_shipped_recipe_is_taught_and_exported(
    file: Path, lab: SimpleNamespace, folders: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = small(file)
    given = [one for one in folders if "=" not in one or one.partition("=")[0] in recipe.cohorts]
    lesson = lab.lesson.prepare(recipe, lab.data.load_recipe_data(recipe.cohorts, given))
    lab.teaching.teach(lesson, tmp_path)
    network = lesson.learner.averaged
    graph = lab.export.to_onnx(network, recipe.input)
    inputs = lab.export.reference_inputs(recipe.input)
    answer = lab.scores.score(graph, inputs)
    assert answer.probability.shape == (len(inputs), len(recipe.findings))
    expected = network.predict(np.moveaxis(inputs, 1, -1) if recipe.input.layout == "NCHW" else inputs, verbose=0)
    assert np.abs(answer.probability - expected[0]).max() < 1e-4
    evidence = lab.scores.logits(answer.cam, recipe.input.layout)
    assert np.allclose(1 / (1 + np.exp(-evidence)), answer.probability, atol=1e-6)
