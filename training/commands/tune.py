"""python -m training tune RECIPE --method METHOD --trials N: look for better numbers in the recipe's search space.

Every trial is a short run of the recipe; what is compared is the mean AUC over the cohorts of val. The folder gets
trials.csv, a folder a trial, and best.yaml, a recipe for `training train` with all its steps. A search that was
interrupted goes on.
"""

from __future__ import annotations

import argparse
import csv
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras_tuner
from rich.console import Console
from rich.table import Table

from training.commands.arguments import above_zero
from training.commands.train import RUNS, prepare
from training.data.cohorts import Example
from training.data.recipe_data import add_data_argument, load_recipe_data
from training.data.splits import select
from training.learning import checkpoint
from training.learning.recipe import Choices, Recipe, load_recipe, save_recipe, with_values
from training.learning.teaching import Diverged, teach
from training.learning.watch import SHOWN_IMAGES_MIN, Watch

OBJECTIVE = keras_tuner.Objective("auc", direction="max")
# Hyperband gives its survivors 3, 9, 27 times the steps of its first round; all of them are the recipe's.
ROUNDS = 27
HYPERBAND_ITERATIONS_MAX = 100
# The AUC of a trial whose numbers could not be learned with.
WORST = 0.0
RunTrial = Callable[[str, Mapping[str, Any]], float]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training tune", description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--method", choices=sorted(METHODS), default="bayesian")
    parser.add_argument("--trials", type=above_zero(int), default=20)
    parser.add_argument("--steps", type=above_zero(int), help="of a whole trial, instead of the recipe's")
    parser.add_argument("--name", help="the folder under --runs (default: RECIPE-METHOD)")
    parser.add_argument("--runs", type=Path, default=RUNS)
    add_data_argument(parser)
    arguments = parser.parse_args()
    recipe = load_recipe(arguments.recipe)
    if not recipe.search:
        raise SystemExit(f"{arguments.recipe}: has no search space (search: SETTING: ...)")
    folder = arguments.runs / (arguments.name or f"{recipe.name}-{arguments.method}")
    tried = with_values(recipe, {"steps": arguments.steps or recipe.steps})
    begin_search(folder, tried)
    examples = load_recipe_data(recipe.cohorts, arguments.data)
    if not Watch(recipe, select(examples, "val", recipe.cohorts)).judged_by(SHOWN_IMAGES_MIN):
        raise SystemExit("no cohort has both answers on val, so no trial is better than another")
    tuner = search(tried, examples, arguments.method, arguments.trials, folder)
    save_results(folder, recipe, tuner)


def begin_search(folder: Path, recipe: Recipe) -> None:
    """Make the folder; refuse to go on in one whose trials were of another recipe or another number of steps."""
    kept = folder / "recipe.yaml"
    if not kept.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        save_recipe(kept, recipe)
    elif load_recipe(kept) != recipe:
        raise SystemExit(f"{folder}: its trials are of another recipe (see recipe.yaml there); give another --name")


def search(recipe: Recipe, examples: list[Example], method: str, trials: int, folder: Path) -> keras_tuner.Tuner:
    """Run up to `trials` trials of `method` below `folder`; those of an earlier, interrupted call count."""
    if method == "hyperband":
        more: dict[str, Any] = {"max_epochs": ROUNDS, "hyperband_iterations": HYPERBAND_ITERATIONS_MAX}
    else:
        more = {"max_trials": trials}
    tuner = METHODS[method](
        objective=OBJECTIVE,
        seed=recipe.seed,
        hyperparameters=space(recipe),
        directory=str(folder),
        project_name="keras-tuner",
        **more,
    )
    tuner.oracle.max_trials = trials
    tuner.run_one = _Trial(recipe, examples, folder).run
    tuner.search()
    return tuner


def space(recipe: Recipe) -> keras_tuner.HyperParameters:
    """The recipe's search space; of choices, whose values may be lists, the tuner sees the number."""
    declared = keras_tuner.HyperParameters()
    for path, setting in recipe.search.items():
        if isinstance(setting, Choices):
            declared.Choice(path, list(range(len(setting.choices))))
        else:
            declared.Float(path, setting.low, setting.high, sampling=setting.scale)
    return declared


def chosen(recipe: Recipe, values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that the tuner's `values` stand for; what the tuner notes for itself is left out."""
    settings = {}
    for path, setting in recipe.search.items():
        value = values[path]
        settings[path] = setting.choices[value] if isinstance(setting, Choices) else value
    return settings


class _Trial:
    """One short run below `folder`, or the continuation of one that Hyperband lets live."""

    def __init__(self, recipe: Recipe, examples: list[Example], folder: Path) -> None:
        self._recipe, self._examples, self._folder = recipe, examples, folder

    def run(self, number: str, values: Mapping[str, Any]) -> float:
        steps = max(1, round(self._recipe.steps * values.get("tuner/epochs", ROUNDS) / ROUNDS))
        settings = chosen(self._recipe, values) | {"search": {}, "steps": steps, "report_steps": steps}
        recipe = with_values(self._recipe, settings | {"early_stopping": None})
        run = self._folder / f"trial-{number}"
        run.mkdir(parents=True, exist_ok=True)
        save_recipe(run / "recipe.yaml", recipe)
        before = self._folder / f"trial-{values.get('tuner/trial_id')}" / checkpoint.FILE
        if before.is_file():
            (run / checkpoint.FILE).write_bytes(before.read_bytes())
        lesson = prepare(recipe, self._examples)
        try:
            teach(lesson, run, resume=before.is_file())
        except Diverged as error:
            print(f"trial {number}: {error}")
            return WORST
        return lesson.watch.mean(lesson.scores(), SHOWN_IMAGES_MIN)


class _RunsTrials:
    """Mixed into the searches of keras-tuner: a trial is a run of ours, not a call of `fit`."""

    run_one: RunTrial

    def run_trial(self, trial: Any, *_: Any, **__: Any) -> dict[str, float]:
        return {OBJECTIVE.name: self.run_one(trial.trial_id, trial.hyperparameters.values)}


class _Random(_RunsTrials, keras_tuner.RandomSearch):
    pass


class _Bayesian(_RunsTrials, keras_tuner.BayesianOptimization):
    pass


class _Hyperband(_RunsTrials, keras_tuner.Hyperband):
    pass


METHODS = {"random": _Random, "bayesian": _Bayesian, "hyperband": _Hyperband}


def save_results(folder: Path, recipe: Recipe, tuner: keras_tuner.Tuner) -> None:
    """trials.csv and best.yaml in `folder`, and a table for whoever waits; checkpoints of trials are removed."""
    done = [trial for trial in tuner.oracle.trials.values() if trial.score is not None]
    done.sort(key=lambda trial: -trial.score)
    if not done:
        raise SystemExit(f"{folder}: no trial has come to an end")
    rows = [
        {
            "trial": trial.trial_id,
            "auc": round(trial.score, 4),
            "rounds": trial.hyperparameters.values.get("tuner/epochs"),
        }
        | chosen(recipe, trial.hyperparameters.values)
        for trial in done
    ]
    with (folder / "trials.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    best = with_values(recipe, {"name": f"{recipe.name}-tuned", **chosen(recipe, done[0].hyperparameters.values)})
    save_recipe(folder / "best.yaml", best)
    table = Table(*rows[0])
    for row in rows[:10]:
        table.add_row(*(f"{value:.4g}" if isinstance(value, float) else str(value) for value in row.values()))
    Console().print(table)
    print(f"{folder / 'best.yaml'}: a recipe for python -m training train")
    for state in folder.glob(f"trial-*/{checkpoint.FILE}"):
        state.unlink()


if __name__ == "__main__":
    main()
