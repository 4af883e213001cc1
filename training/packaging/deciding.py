"""The films that calibration and threshold are decided on: as they are, and as they might have come from elsewhere.

A threshold that was chosen on the clean films of one hospital is too near to their healthy ones: at the next hospital
exposure, framing and processing are others. Copies are changed as training films are (a recipe's augmentation), never
by the table that judges (converter/evaluation/changes.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from converter.image.model_input import normalise
from training.data.cohorts import Example
from training.data.images import load_model_inputs, load_training_images
from training.learning.artefacts import add_artefacts
from training.learning.augment import augment, placement_of
from training.learning.recipe import Recipe
from training.learning.tones import change_tone

Array = NDArray[np.float32]


class Deciding(NamedTuple):
    """`inputs` [n, ...], as the graph takes them, of `examples` [n]; the first `plain` of them are unchanged films."""

    examples: list[Example]
    inputs: Array
    plain: int


def deciding_films(recipe: Recipe, examples: Sequence[Example]) -> Deciding:
    """`examples` as the node would see them, then operating_point.changed copies of each."""
    plain, copies = load_model_inputs(examples, recipe.input), recipe.operating_point.changed
    if not copies:
        return Deciding(list(examples), plain, len(examples))
    images = load_training_images(examples, max(recipe.input.height, recipe.input.width))
    made = [
        changed_film(image, recipe, np.random.default_rng([recipe.seed, copy, place]))
        for copy in range(copies)
        for place, image in enumerate(images)
    ]
    changed = np.stack(made)[:, np.newaxis] if recipe.input.layout == "NCHW" else np.stack(made)[..., np.newaxis]
    return Deciding([*examples] * (1 + copies), np.concatenate([plain, changed]), len(examples))


def changed_film(image: NDArray[np.uint8], recipe: Recipe, rng: np.random.Generator) -> Array:
    """A whole film [side, side] -> a normalised input [H, W]; what lies beyond the film is of any gray."""
    moves, spec = recipe.augmentation, recipe.input
    if recipe.frame is None:
        return augment(image, moves, spec, rng)
    placement = placement_of(image.shape[0], moves, spec, rng)
    beyond = float(rng.choice([0, 0, 255, int(rng.integers(256))]))
    moved = cv2.warpAffine(image, placement, (spec.width, spec.height), flags=cv2.INTER_LINEAR, borderValue=beyond)
    gray = np.asarray(moved / 255, np.float32)
    if rng.random() < moves.consoles:
        gray = change_tone(gray, rng)
    return normalise(np.clip(add_artefacts(gray, moves, rng), 0, 1), spec)
