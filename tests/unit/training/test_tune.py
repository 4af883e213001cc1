"""Each search of keras-tuner runs trials of ours over the recipe's space, goes on where it was, names the best."""

from __future__ import annotations

import csv
import importlib.util
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.checkout import CONFIG
from tests.support.cohorts.small_cohorts import draw_cohorts
from training.__main__ import main
from training.learning.recipe import Recipe, load_recipe, save_recipe, with_values
from training.lungs.framing import framing_of

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("keras_tuner") is None, reason="keras-tuner ([training]) not installed"
    ),
    pytest.mark.filterwarnings("ignore"),
]
RECIPE = CONFIG / "training" / "seed-three-layers.yaml"


@pytest.fixture(scope="module")
def lab() -> SimpleNamespace:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from training.commands import tune
        from training.data import recipe_data
        from training.learning import search
    return SimpleNamespace(tune=tune, data=recipe_data, search=search)


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    small = {
        "input.height": 32,
        "input.width": 32,
        "network.filters": [4, 6],
        "cohorts.kermany224.per_class": 2,
        "steps": 27,
        "search": {
            "learning_rate": {"low": 0.001, "high": 0.01, "scale": "log"},
            "network.filters": {"choices": [[4, 6], [3, 5]]},
        },
    }
    return with_values(load_recipe(RECIPE), small)


@pytest.mark.parametrize(("method", "trials"), [("random", 2), ("bayesian", 3), ("hyperband", 4)])
def test_a_search_runs_its_trials_and_names_the_best(
    lab: SimpleNamespace, recipe: Recipe, method: str, trials: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = draw_cohorts(tmp_path / "data", "kermany224")
    examples = lab.data.load_recipe_data(recipe.cohorts, [str(data)])
    folder = tmp_path / "search"
    found = lab.search.search(recipe, examples, method, trials, folder, framing_of)
    lab.tune.save_results(folder, recipe, found)
    with (folder / "trials.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == trials
    assert [float(row["auc"]) for row in rows] == sorted((float(row["auc"]) for row in rows), reverse=True)
    assert {row["network.filters"] for row in rows} <= {"[4, 6]", "[3, 5]"}
    assert all(0.001 <= float(row["learning_rate"]) <= 0.01 for row in rows)
    best = load_recipe(folder / "best.yaml")
    assert best.learning_rate == pytest.approx(float(rows[0]["learning_rate"]))
    assert best.steps == recipe.steps
    again = lab.search.search(recipe, examples, method, trials, folder, framing_of)
    assert {trial.trial_id: trial.score for trial in again} == {trial.trial_id: trial.score for trial in found}


def test_a_trial_that_hyperband_lets_live_goes_on_where_it_was(
    lab: SimpleNamespace, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = draw_cohorts(tmp_path / "data", "kermany224")
    trial = lab.search.Trials(recipe, lab.data.load_recipe_data(recipe.cohorts, [str(data)]), tmp_path, framing_of)
    values = {"learning_rate": 0.002, "network.filters": 1}
    trial.run("0", values | {"tuner/epochs": 9})
    trial.run("1", values | {"tuner/epochs": 27, "tuner/trial_id": "0"})
    steps = [
        (tmp_path / name / "history.jsonl").read_text(encoding="utf-8").count("\n") for name in ("trial-0", "trial-1")
    ]
    assert steps == [1, 1]
    from training.learning import checkpoint

    assert [checkpoint.load(tmp_path / name)[0].steps for name in ("trial-0", "trial-1")] == [9, 27]


def test_a_search_does_not_go_on_with_another_recipe(lab: SimpleNamespace, recipe: Recipe, tmp_path: Path) -> None:
    lab.search.begin_search(tmp_path / "search", recipe)
    lab.search.begin_search(tmp_path / "search", recipe)
    with pytest.raises(SystemExit, match="its trials are of another recipe"):
        lab.search.begin_search(tmp_path / "search", with_values(recipe, {"steps": 5}))


def test_shorter_trials_find_a_recipe_of_full_length(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save_recipe(tmp_path / "recipe.yaml", recipe)
    data = draw_cohorts(tmp_path / "data", "kermany224")
    given = ["tune", "recipe.yaml", "--method", "random", "--trials", "1", "--steps", "3", "--name", "search"]
    main([*given, "--runs", str(tmp_path), "--data", str(data)])
    (trial,) = (tmp_path / "search").glob("trial-*")
    assert load_recipe(trial / "recipe.yaml").steps == 3
    assert load_recipe(tmp_path / "search" / "best.yaml").steps == recipe.steps == 27


def test_a_trial_that_diverges_is_the_worst_and_not_the_end(
    lab: SimpleNamespace, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = draw_cohorts(tmp_path / "data", "kermany224")
    trial = lab.search.Trials(recipe, lab.data.load_recipe_data(recipe.cohorts, [str(data)]), tmp_path, framing_of)
    assert trial.run("0", {"learning_rate": 1e30, "network.filters": 0}) == 0.0


def test_a_space_of_lists_reaches_the_recipe_as_lists(lab: SimpleNamespace, recipe: Recipe) -> None:
    assert lab.search.chosen(recipe, {"learning_rate": 0.002, "network.filters": 1, "tuner/epochs": 3}) == {
        "learning_rate": 0.002,
        "network.filters": [3, 5],
    }
