"""What a run learns from and is watched by: batches, validation images and an untrained network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from training.data.cohorts import Example
from training.data.images import channels_last, load_model_inputs, load_training_images
from training.data.splits import select
from training.learning.batches import BatchSource
from training.learning.learner import Learner
from training.learning.recipe import Recipe
from training.learning.teachers import soft_targets
from training.learning.watch import Watch

PREDICT_BATCH = 128
# Stored training images are larger than the input by this factor, so that augmentation has room to cut and zoom.
TRAINING_MARGIN = 1.25


@dataclass(frozen=True)
class Lesson:
    """What a loop works with. inputs: the validation images as the network takes them, [n, H, W, 1]."""

    recipe: Recipe
    learner: Learner
    source: BatchSource
    watch: Watch
    inputs: NDArray[np.float32]

    def scores(self) -> NDArray[np.float32]:
        """[n, findings]: what the averaged network says of the validation images, with the average of now."""
        self.learner.average()
        return self.final_scores()

    def final_scores(self) -> NDArray[np.float32]:
        """The same of the averaged network as it is: after early stopping it holds the best weights, not the last."""
        return answers(self.learner.averaged, self.inputs)


def answers(network: keras.Model, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """[n, findings]: the probabilities of `inputs` [n, H, W, 1]."""
    return np.asarray(network.predict(inputs, batch_size=PREDICT_BATCH, verbose=0)[0], dtype=np.float32)


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
