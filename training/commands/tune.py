"""Look for better numbers in a recipe's search space.

Every trial is a short run of the recipe; what is compared is the mean AUC over the cohorts of val. The folder gets
trials.csv, a folder a trial, and best.yaml, a recipe for `train` with all its steps. A search that was interrupted
goes on.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from training.commands.arguments import above_zero, add_data_argument
from training.data.enough import check_enough
from training.data.recipe_data import as_given, folders, load_recipe_data
from training.data.remembered import RUNS, remember
from training.data.splits import select
from training.learning import checkpoint
from training.learning.recipe import Recipe, load_recipe, save_recipe, with_values
from training.learning.search import METHODS, begin_search, chosen, search
from training.learning.watch import SHOWN_IMAGES_MIN, Watch
from training.lungs.framing import framing_of

ROWS_SHOWN_MAX = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--method", choices=sorted(METHODS), default="bayesian")
    parser.add_argument("--trials", type=above_zero(int), default=20)
    parser.add_argument("--steps", type=above_zero(int), help="of a whole trial, instead of the recipe's")
    parser.add_argument("--name", help="the folder under --runs (default: RECIPE-METHOD)")
    parser.add_argument("--runs", type=Path, default=RUNS)
    add_data_argument(parser)


def run(arguments: argparse.Namespace) -> None:
    recipe = load_recipe(arguments.recipe)
    if not recipe.search:
        raise SystemExit(f"{arguments.recipe}: has no search space (search: SETTING: ...)")
    folder = arguments.runs / (arguments.name or f"{recipe.name}-{arguments.method}")
    tried = with_values(recipe, {"steps": arguments.steps or recipe.steps})
    begin_search(folder, tried)
    lying = folders(recipe.cohorts, arguments.data)
    examples = load_recipe_data(recipe.cohorts, as_given(lying))
    check_enough(examples, recipe.finding_names)
    remember(folder, lying, examples)
    if not Watch(recipe, select(examples, "val", recipe.cohorts)).judged_by(SHOWN_IMAGES_MIN):
        raise SystemExit("no cohort has both answers on val, so no trial is better than another")
    trials = search(tried, examples, arguments.method, arguments.trials, folder, framing_of)
    save_results(folder, recipe, trials)


def save_results(folder: Path, recipe: Recipe, trials: Sequence[Any]) -> None:
    """trials.csv and best.yaml in `folder`, and a table for whoever waits; checkpoints of trials are removed."""
    if not trials:
        raise SystemExit(f"{folder}: no trial has come to an end")
    rows = [row_of(recipe, trial) for trial in trials]
    with (folder / "trials.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    best = with_values(recipe, {"name": f"{recipe.name}-tuned", **chosen(recipe, trials[0].hyperparameters.values)})
    save_recipe(folder / "best.yaml", best)
    table = Table(*rows[0])
    for row in rows[:ROWS_SHOWN_MAX]:
        table.add_row(*(f"{value:.4g}" if isinstance(value, float) else str(value) for value in row.values()))
    Console().print(table)
    print(f"{folder / 'best.yaml'}: a recipe for python -m training train")
    for state in folder.glob(f"trial-*/{checkpoint.FILE}"):
        state.unlink()


def row_of(recipe: Recipe, trial: Any) -> dict[str, Any]:
    values = trial.hyperparameters.values
    found = {"trial": trial.trial_id, "auc": round(trial.score, 4), "rounds": values.get("tuner/epochs")}
    return found | chosen(recipe, values)
