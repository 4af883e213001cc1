"""What a run learns from and is watched by: batches, validation images and an untrained network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

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

Inputs = tuple[NDArray[np.float32], ...]
PREDICT_BATCH = 128
# Stored training images are larger than the input by this factor, so that augmentation has room to cut and zoom.
TRAINING_MARGIN = 1.25


class Framing(Protocol):
    """What a recipe with a frame needs of the lungs (training.lungs.framing)."""

    def outlines(self, examples: Sequence[Example]) -> NDArray[np.float32]:
        """[n, 64, 64]: the share of lung in each cell of the whole film."""

    def framed(self, inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Model inputs of whole films -> what the graph makes of them: [n, 1, h, w], and cells [n, 1, h', w']."""


@dataclass(frozen=True)
class Lesson:
    """What a loop works with. inputs: the validation images as the network takes them, [n, H, W, 1] (and cells)."""

    recipe: Recipe
    learner: Learner
    source: BatchSource
    watch: Watch
    inputs: Inputs

    def scores(self) -> NDArray[np.float32]:
        """[n, findings]: what the averaged network says of the validation images, with the average of now."""
        self.learner.average()
        return self.final_scores()

    def final_scores(self) -> NDArray[np.float32]:
        """The same of the averaged network as it is: after early stopping it holds the best weights, not the last."""
        return answers(self.learner.averaged, self.inputs)


def answers(network: keras.Model, inputs: Inputs) -> NDArray[np.float32]:
    """[n, findings]: the probabilities of `inputs`."""
    return np.asarray(network.predict(list(inputs), batch_size=PREDICT_BATCH, verbose=0)[0], dtype=np.float32)


def prepare(recipe: Recipe, examples: Sequence[Example], framing: Framing | None = None) -> Lesson:
    """Images, targets and an untrained network. Ends the program where there are none, or too few to stop early by.

    `framing` outlines lungs and cuts frames out, for a recipe that has one.
    """
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
    soft = soft_targets(recipe, learning)
    if framing is None:
        side = round(max(recipe.input.height, recipe.input.width) * TRAINING_MARGIN)
        source = BatchSource(recipe, learning, load_training_images(learning, side), soft)
    else:
        films = load_training_images(learning, max(recipe.input.height, recipe.input.width))
        source = BatchSource(recipe, learning, films, soft, framing.outlines(learning))
    return Lesson(recipe, Learner(recipe), source, watch, network_inputs(recipe, watched, framing))


def network_inputs(recipe: Recipe, examples: Sequence[Example], framing: Framing | None = None) -> Inputs:
    """`examples` as the node would give them to the network of `recipe`, laid out for Keras."""
    whole = load_model_inputs(examples, recipe.input)
    if framing is None:
        return (channels_last(whole, recipe.input),)
    return tuple(np.moveaxis(one, 1, -1) for one in framing.framed(whole))
