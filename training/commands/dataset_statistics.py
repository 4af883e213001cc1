"""python -m training dataset-statistics RECIPE: mean and standard deviation of gray values over its train split.

For recipes that normalise by their data set (normalisation: {name: scale, mean: ..., std: ...}).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.images import load_training_images
from training.data.recipe_data import add_data_argument, load_recipe_data
from training.data.splits import select
from training.learning.recipe import load_recipe


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training dataset-statistics", description=__doc__)
    parser.add_argument("recipe", type=Path)
    add_data_argument(parser)
    arguments = parser.parse_args()
    recipe = load_recipe(arguments.recipe)
    learning = select(load_recipe_data(recipe.cohorts, arguments.data), "train", recipe.cohorts)
    mean, std = statistics(load_training_images(learning, max(recipe.input.height, recipe.input.width)))
    print(f"normalisation: {{name: scale, mean: {mean:.4f}, std: {std:.4f}}}  # {len(learning)} images")


def statistics(images: NDArray[np.uint8]) -> tuple[float, float]:
    """Of gray values 0..1, every pixel of every image counting alike."""
    counts = np.bincount(images.ravel(), minlength=256)
    levels = np.arange(256) / 255
    mean = float(counts @ levels / counts.sum())
    return mean, float(np.sqrt(counts @ (levels - mean) ** 2 / counts.sum()))


if __name__ == "__main__":
    main()
