"""Batch-normalisation statistics of averaged weights, taken again from films as the node sees them.

What was gathered on the way belongs to weights that have since moved, and to augmented films, which are blurred,
windowed and cut out; the averaged network meets neither.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from numpy.typing import NDArray

from training.cohorts import Example
from training.recipe import Recipe

BATCHES = 40


def re_estimate(network: keras.Model, recipe: Recipe, examples: Sequence[Example], inputs: NDArray[np.float32]) -> None:
    """Replace the moving mean and variance of every layer by their mean over balanced batches of `inputs`."""
    rng = np.random.default_rng(recipe.seed)
    groups = [
        (np.array(members), share.per_class)
        for cohort, share in recipe.cohorts.items()
        for positive in (False, True)
        if (members := [i for i, e in enumerate(examples) if e.cohort == cohort and e.positive == positive])
    ]
    layers = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in layers]
    for number in range(BATCHES):
        for layer in layers:
            layer.momentum = number / (number + 1)
        drawn = np.concatenate([rng.choice(members, per_class) for members, per_class in groups])
        network(inputs[drawn], training=True)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
