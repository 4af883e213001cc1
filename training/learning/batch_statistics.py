"""Batch-normalisation statistics of averaged weights, taken again from films as the node sees them.

What was gathered on the way belongs to weights that have since moved, and to augmented films, which are blurred,
windowed and cut out; the averaged network meets neither.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from training.data.cohorts import Example
from training.learning.batches import groups
from training.learning.lesson import Inputs
from training.learning.recipe import Recipe

BATCHES = 40


def re_estimate(network: keras.Model, recipe: Recipe, examples: Sequence[Example], inputs: Inputs) -> None:
    """Replace the moving mean and variance of every layer by their mean over balanced batches of `inputs`."""
    layers = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    if not layers:
        return
    rng = np.random.default_rng(recipe.seed)
    drawn_from = groups(recipe, examples)
    momenta = [layer.momentum for layer in layers]
    for number in range(BATCHES):
        for layer in layers:
            layer.momentum = number / (number + 1)
        drawn = np.concatenate([rng.choice(group.members, group.drawn) for group in drawn_from])
        network([one[drawn] for one in inputs], training=True)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
