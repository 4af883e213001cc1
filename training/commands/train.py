"""python -m training train RECIPE --name NAME: teach a network, keep its averaged weights and what made them.

The run lands in training/runs/NAME: recipe.yaml, arguments.json, split.csv, history.jsonl, curves (TensorBoard),
weights.keras, outcome.json; state.npz, from which --resume goes on after an interruption.
"""

from __future__ import annotations

import argparse
import json
import math
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from training.commands.arguments import above_zero
from training.data.cohorts import Example
from training.data.images import channels_last, load_model_inputs, load_training_images
from training.data.recipe_data import add_data_argument, load_recipe_data
from training.data.splits import check_earlier_run, save_split, select
from training.learning import checkpoint
from training.learning.batches import BatchSource
from training.learning.learner import Learner
from training.learning.recipe import Recipe, load_recipe, save_recipe
from training.learning.teachers import soft_targets
from training.learning.teaching import PREDICT_BATCH, Lesson, teach
from training.learning.watch import Watch

RUNS = Path("training/runs")
# Stored training images are larger than the input by this factor, so that augmentation has room to cut and zoom.
TRAINING_MARGIN = 1.25


def main() -> None:
    # 1. arguments
    parser = argparse.ArgumentParser(prog="python -m training train", description=__doc__)
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
    arguments = parser.parse_args()
    recipe = load_recipe(arguments.recipe)
    if arguments.steps:
        recipe = recipe.model_copy(
            update={"steps": arguments.steps, "report_steps": min(recipe.report_steps, arguments.steps)}
        )
    run = arguments.runs / arguments.name
    begin_run(run, recipe, arguments.resume)
    if arguments.resume:  # what it began with holds, whether it was said again or not
        start_from = json.loads((run / "arguments.json").read_text(encoding="utf-8"))["start_from"]
        arguments.start_from = None if start_from is None else Path(start_from)
    else:
        given = json.dumps(vars(arguments), default=str, indent=2)
        (run / "arguments.json").write_text(given + "\n", encoding="utf-8")
    stages = earlier_stages(arguments.start_from)

    # 2. data and network
    examples = load_recipe_data(recipe.cohorts, arguments.data, run / "split.csv" if arguments.resume else None)
    for earlier in (arguments.start_from, *map(Path, recipe.teachers.runs if recipe.teachers else ())):
        if earlier is not None:
            check_earlier_run(earlier, examples)
    if not arguments.resume:
        save_split(run / "split.csv", examples, run)
    lesson = prepare(recipe, examples)
    if arguments.start_from and not arguments.resume:
        lesson.learner.start_from(arguments.start_from / "weights.keras")
    print(f"{lesson.learner.network.count_params():,} parameters, {len(lesson.inputs)} images watched")

    # 3. loop
    progress = teach(lesson, run, arguments.minutes, arguments.resume)

    # 4. report
    lesson.learner.averaged.save(run / "weights.keras")
    scores = lesson.learner.averaged.predict(lesson.inputs, batch_size=PREDICT_BATCH, verbose=0)[0]
    kept = f", the best at {progress.best_step}" if recipe.early_stopping else ""
    outcome = {
        "stages": [*stages, f"{arguments.recipe}, {progress.steps} steps{kept}"],
        "seconds": round(progress.elapsed_s),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "val_auc": lesson.watch.figures(scores),
    }
    (run / "outcome.json").write_text(json.dumps(outcome, indent=2) + "\n", encoding="utf-8")
    print(f"{run / 'weights.keras'}: {json.dumps(outcome)}")


def begin_run(run: Path, recipe: Recipe, resume: bool) -> None:
    """Make the folder; refuse to write over a run, or to go on with another recipe than the one it began with."""
    if resume:
        checkpoint.find(run)
        if load_recipe(run / "recipe.yaml") != recipe:
            raise SystemExit(
                f"{run}: was begun with another recipe (see recipe.yaml there); it cannot go on with this one"
            )
        return
    if (run / checkpoint.FILE).exists():
        raise SystemExit(f"{run}: a run of this name exists; --resume goes on with it, another --name begins anew")
    run.mkdir(parents=True, exist_ok=True)
    save_recipe(run / "recipe.yaml", recipe)


def prepare(recipe: Recipe, examples: Sequence[Example]) -> Lesson:
    """Images, targets and an untrained network. Ends the program where there are none, or too few to stop early by."""
    learning, watched = (select(examples, split, recipe.cohorts) for split in ("train", "val"))
    if not learning or not watched:
        raise SystemExit(
            f"{len(learning)} images to learn from, {len(watched)} of val to decide on: neither can be done without"
        )
    watch = Watch(recipe, watched)
    if recipe.early_stopping and not watch.judged_by(recipe.early_stopping.images_min):
        raise SystemExit(
            f"early_stopping: no cohort has {recipe.early_stopping.images_min} val images of either class; so few say "
            "nothing about when to stop. Leave early_stopping out, or make a larger val split"
        )
    side = round(max(recipe.input.height, recipe.input.width) * TRAINING_MARGIN)
    source = BatchSource(recipe, learning, load_training_images(learning, side), soft_targets(recipe, learning))
    inputs = channels_last(load_model_inputs(watched, recipe.input), recipe.input)
    return Lesson(recipe, Learner(recipe), source, watch, inputs)


def earlier_stages(run: Path | None) -> list[str]:
    """The recipes and steps that made the weights this run starts from."""
    return outcome_of(run)["stages"] if run else []


def outcome_of(run: Path) -> dict[str, Any]:
    """outcome.json; ends the program where `run` has not come to its end."""
    try:
        return dict(json.loads((run / "outcome.json").read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise SystemExit(f"{run}: no outcome.json there; is it a run, and has it come to its end?") from None


if __name__ == "__main__":
    main()
