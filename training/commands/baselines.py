"""Measure what models without any idea of anatomy reach on the same splits.

Logistic regression, SVM, random forest, gradient boosting and nearest neighbours learn the train split of the recipe
as small gray pictures. FOLDER gets baselines.md, baselines.json and plots: AUC on val (--devtest: on devtest, once the
network is finished too), and how it depends on the number of training images, the resolution and noise.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from rich.progress import track

from training.commands.arguments import above_zero, add_data_argument
from training.data.images import load_training_images
from training.data.recipe_data import load_recipe_data
from training.data.splits import select, spread
from training.judging.baseline_models import MODELS
from training.judging.baseline_plots import plot_curves, report
from training.judging.sensitivity import QUESTIONS, SIDE, Curve, Pictures
from training.learning.recipe import load_recipe
from training.learning.watch import Watch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--devtest", action="store_true", help="measure on devtest instead of val")
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument(
        "--images-max", type=above_zero(int), help="learn from so many images at most, to see whether it runs"
    )
    add_data_argument(parser)


def run(arguments: argparse.Namespace) -> None:
    # 1. arguments
    recipe, split = load_recipe(arguments.recipe), "devtest" if arguments.devtest else "val"

    # 2. data
    examples = load_recipe_data(recipe.cohorts, arguments.data)
    learning, measured = select(examples, "train", recipe.cohorts), select(examples, split, recipe.cohorts)
    if arguments.images_max:
        learning = spread(learning, arguments.images_max)
    if not learning or not measured:
        raise SystemExit(f"{len(learning)} images to learn from, {len(measured)} of {split}: nothing can be measured")
    pictures = Pictures(
        recipe.finding_names,
        learning,
        load_training_images(learning, SIDE),
        Watch(recipe, measured),
        load_training_images(measured, SIDE),
    )

    # 3. every model, every question
    curves = asked(pictures, arguments.models)

    # 4. report
    arguments.folder.mkdir(parents=True, exist_ok=True)
    numbers = {curve.title: asdict(curve) for curve in curves}
    (arguments.folder / "baselines.json").write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
    for curve in curves:
        plot_curves(arguments.folder, curve)
    text = report(recipe, split, len(learning), len(measured), curves)
    (arguments.folder / "baselines.md").write_text(text, encoding="utf-8")
    print(text)


def asked(pictures: Pictures, models: Iterable[str]) -> list[Curve]:
    """A curve a question, with the answers of each model."""
    curves = {question.title: Curve(question.title, question.axis) for question in QUESTIONS}
    for name, question in track([(name, question) for question in QUESTIONS for name in models], "baselines"):
        figures = [(value, pictures.figures(name, **{question.setting: value})) for value in question.values]
        curves[question.title].points[name] = figures
    return list(curves.values())
