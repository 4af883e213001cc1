"""Outlines and frames of films for a recipe that has a frame, as its graph will make them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from training.data.cohorts import Example
from training.data.images import load_training_images
from training.data.lung_masks import SIDE, shares
from training.learning.recipe import Recipe
from training.lungs.attach import CELLS, FRAMED, framed_graph, front_graph
from training.lungs.packaged import BATCH, outlines, read_graph, read_spec


class LungFraming:
    """By the fitted network that `recipe.frame.lungs` names. Ends the program where there is none, or where the input
    of the recipe cannot be outlined."""

    def __init__(self, recipe: Recipe) -> None:
        assert recipe.frame is not None
        self._recipe, self._graph = recipe, read_graph(recipe.frame.lungs)
        self.section = read_spec(recipe.frame.lungs)
        try:
            front = front_graph(self._graph, recipe.input, recipe.frame.spec, recipe.map_shape)
        except RuntimeError as error:
            raise SystemExit(f"input of {recipe.name}: {error}") from error
        self._front = onnxruntime.InferenceSession(front, providers=["CPUExecutionProvider"])

    def outlines(self, examples: Sequence[Example]) -> NDArray[np.float32]:
        """Drawn by people where the recipe wants it and they did, otherwise by the network."""
        made = outlines(self._graph, load_training_images(examples, SIDE))
        assert self._recipe.frame is not None
        for place, example in enumerate(examples):
            if self._recipe.frame.masks and example.masks:
                made[place] = shares(example.masks, made.shape[-1])
        return made

    def framed(self, inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        made = [
            self._front.run([FRAMED, CELLS], {self._recipe.input.name: inputs[start : start + BATCH]})
            for start in range(0, len(inputs), BATCH)
        ]
        framed, cells = (np.concatenate([one[place] for one in made]) for place in (0, 1))
        return framed, cells

    def for_serving(self, finding: bytes) -> bytes:
        """The whole graph, from the film to the map over it."""
        assert self._recipe.frame is not None
        return framed_graph(self._graph, self._recipe.input, self._recipe.frame.spec, finding)


def framing_of(recipe: Recipe) -> LungFraming | None:
    return None if recipe.frame is None else LungFraming(recipe)
