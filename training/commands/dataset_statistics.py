"""Print mean and standard deviation of gray values over a recipe's train split.

For recipes that normalise by their data set (normalisation: {name: scale, mean: ..., std: ...}).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from training.commands.arguments import add_data_argument
from training.data.images import gray_statistics, load_training_images
from training.data.recipe_data import load_recipe_data
from training.data.splits import select
from training.learning.recipe import load_recipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", type=Path)
    add_data_argument(parser)


def run(arguments: argparse.Namespace) -> None:
    recipe = load_recipe(arguments.recipe)
    learning = select(load_recipe_data(recipe.cohorts, arguments.data), "train", recipe.cohorts)
    mean, std = gray_statistics(load_training_images(learning, max(recipe.input.height, recipe.input.width)))
    print(f"normalisation: {{name: scale, mean: {mean:.4f}, std: {std:.4f}}}  # {len(learning)} images")
