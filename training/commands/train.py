"""Teach a network by a recipe; keep its averaged weights and what made them.

The run lands in training/runs/NAME: recipe.yaml, arguments.json, split.csv, history.jsonl, curves (TensorBoard),
weights.keras, outcome.json; state.npz, from which --resume goes on after an interruption.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

from training.commands.arguments import above_zero, add_data_argument
from training.data.cohorts import Example
from training.data.enough import check_enough
from training.data.recipe_data import as_given, folders, load_recipe_data
from training.data.remembered import RUNS, remember
from training.data.splits import check_earlier_run, save_split
from training.learning.lesson import Lesson, prepare
from training.learning.recipe import Recipe, load_recipe
from training.learning.run_folder import WEIGHTS, begin_run, earlier_stages, save_outcome
from training.learning.teaching import teach
from training.lungs.framing import framing_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--name", required=True, help="the run's folder under --runs")
    parser.add_argument("--runs", type=Path, default=RUNS)
    parser.add_argument(
        "--minutes", type=above_zero(float), default=math.inf, help="end the schedule by then, with fewer steps"
    )
    parser.add_argument("--steps", type=above_zero(int), help="instead of the recipe's, to see whether it runs")
    parser.add_argument("--start-from", type=Path, help="an earlier run, whose weights this one refines")
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted run of this name")
    add_data_argument(parser)


def run(arguments: argparse.Namespace) -> None:
    # 1. arguments
    recipe, folder = shortened(load_recipe(arguments.recipe), arguments.steps), arguments.runs / arguments.name
    begin_run(folder, recipe, arguments.resume)
    start_from = saved_start(folder) if arguments.resume else arguments.start_from
    if not arguments.resume:
        save_arguments(folder, arguments)
    stages = earlier_stages(start_from)

    # 2. data
    examples = load_examples(recipe, arguments, folder, start_from)

    # 3. model
    lesson = prepare(recipe, examples, framing_of(recipe))
    if start_from and not arguments.resume:
        lesson.learner.start_from(start_from / WEIGHTS)
    print(f"{lesson.learner.network.count_params():,} parameters, {len(lesson.inputs[0])} images watched")

    # 4. loop
    progress = teach(lesson, folder, arguments.minutes, arguments.resume)

    # 5. report
    kept = f", the best at {progress.best_step}" if recipe.early_stopping else ""
    save(lesson, folder, [*stages, f"{arguments.recipe}, {progress.steps} steps{kept}"], progress.elapsed_s)


def shortened(recipe: Recipe, steps: int | None) -> Recipe:
    if steps is None:
        return recipe
    return recipe.model_copy(update={"steps": steps, "report_steps": min(recipe.report_steps, steps)})


def save_arguments(folder: Path, arguments: argparse.Namespace) -> None:
    given = json.dumps(vars(arguments), default=str, indent=2)
    (folder / "arguments.json").write_text(given + "\n", encoding="utf-8")


def saved_start(folder: Path) -> Path | None:
    """The earlier run that `folder` began with; it holds for a resumed run, whether it was said again or not."""
    saved = json.loads((folder / "arguments.json").read_text(encoding="utf-8"))["start_from"]
    return None if saved is None else Path(saved)


def load_examples(
    recipe: Recipe, arguments: argparse.Namespace, folder: Path, start_from: Path | None
) -> list[Example]:
    """Every image in its split; ends the program where an earlier run learned from what is now decided on."""
    begun = folder if arguments.resume else None
    lying = folders(recipe.cohorts, arguments.data, begun)
    examples = load_recipe_data(recipe.cohorts, as_given(lying), begun)
    check_enough(examples, recipe.finding_names)
    for earlier in (start_from, *map(Path, recipe.teachers.runs if recipe.teachers else ())):
        if earlier is not None:
            check_earlier_run(earlier, examples)
    if not arguments.resume:
        save_split(folder / "split.csv", examples, folder)
        remember(folder, lying, examples)
    return examples


def save(lesson: Lesson, folder: Path, stages: list[str], seconds: float) -> None:
    lesson.learner.averaged.save(folder / WEIGHTS)
    outcome = save_outcome(folder, stages, seconds, lesson.watch.figures(lesson.final_scores()))
    print(f"{folder / WEIGHTS}: {json.dumps(outcome)}")
