"""A network that learns batch by batch, and the running average of its weights. Runs on every backend of Keras."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from training.learning.batches import Batch
from training.learning.recipe import Recipe
from training.learning.zoo import build
from training.learning.zoo.head import head_of

# The average begins almost as the plain mean of the first steps, and forgets the sooner the fewer there were.
AVERAGING_WARMUP_STEPS = 50
State = dict[str, NDArray[np.generic]]
# What Linux says of the processor, and the names it has for multiplying in bfloat16.
PROCESSOR = Path("/proc/cpuinfo")
BFLOAT16_FLAGS = ("avx512_bf16", "amx_bf16")


def on_gpu() -> bool:
    """Whether tensors lie on a GPU, asked of a tensor: not every backend can list its devices."""
    device = str(getattr(ops.zeros(1), "device", "")).lower()
    return "gpu" in device or "cuda" in device


def computes_bfloat16() -> bool:
    """Whether bfloat16 is faster than float32 here: on a GPU, and on a processor that multiplies in it (Linux only)."""
    try:
        processor = PROCESSOR.read_text(encoding="ascii", errors="replace")
    except OSError:
        processor = ""
    return on_gpu() or any(name in processor for name in BFLOAT16_FLAGS)


def known_crossentropy(targets: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
    """[n]: the binary cross-entropy of each image, averaged over its known findings (negative targets are unknown)."""
    known = ops.cast(targets >= 0, logits.dtype)
    wanted = ops.maximum(targets, 0)
    each = ops.maximum(logits, 0) - logits * wanted + ops.log1p(ops.exp(-ops.absolute(logits)))
    return ops.sum(each * known, axis=-1) / ops.maximum(ops.sum(known, axis=-1), 1)


def known_places(places: keras.KerasTensor, evidence: keras.KerasTensor) -> keras.KerasTensor:
    """[n]: the binary cross-entropy of the cells of which it is known whether they show an opacity (others negative).

    `evidence` [n, h, w, findings] is that of each cell alone, `places` [n, h, w, 1]; 1 is worth as much as 0, of which
    there are many more.
    """
    there, absent = ops.cast(places > 0.5, evidence.dtype), ops.cast(ops.absolute(places) < 0.5, evidence.dtype)
    missed = ops.sum(there * ops.softplus(-evidence), axis=(1, 2, 3))
    invented = ops.sum(absent * ops.softplus(evidence), axis=(1, 2, 3))
    missed, invented = (one / evidence.shape[-1] for one in (missed, invented))
    return missed / (ops.sum(there, axis=(1, 2, 3)) + 1) + invented / (ops.sum(absent, axis=(1, 2, 3)) + 1)


class Learner:
    """`averaged` is what a run keeps; it is brought up to date by `average()`."""

    def __init__(self, recipe: Recipe) -> None:
        """Weights are drawn from the recipe's seed. Mixed precision computes in bfloat16; weights stay float32."""
        self._recipe = recipe
        mixed = recipe.precision == "mixed" and computes_bfloat16()
        keras.utils.set_random_seed(recipe.seed)
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy("mixed_bfloat16" if mixed else "float32")
        try:
            self.network = _network(recipe)
        finally:
            keras.config.set_dtype_policy(before)
        self.averaged = _network(recipe)
        self.optimizer = keras.optimizers.AdamW(recipe.learning_rate, weight_decay=recipe.weight_decay)
        logit = keras.layers.GlobalAveragePooling2D(dtype="float32")(self.network.get_layer("cam").output)
        outputs, weights = [logit], [1.0]
        losses: list[Callable[..., Any]] = [known_crossentropy]
        if recipe.frame is not None:
            outputs.append(head_of(self.network).output)
            losses.append(known_places)
            weights.append(recipe.frame.places)
        self._taught = keras.Model(self.network.inputs, outputs)
        compiled = "auto" if on_gpu() else False
        self._taught.compile(self.optimizer, losses, loss_weights=weights, jit_compile=compiled)
        self.optimizer.build(self._taught.trainable_variables)
        self._averages = self.network.get_weights()

    def start_from(self, weights: Path) -> None:
        """Take over the weights of an earlier run; of one with other findings all but the head, which is told.

        Ends the program where there are none, or they do not fit.
        """
        if not weights.is_file():
            raise SystemExit(f"{weights}: no such file; is {weights.parent} a run that came to its end?")
        try:
            earlier = keras.models.load_model(weights, compile=False)
            head = head_of(self.network).name
            for one, other in zip(self.network.layers, earlier.layers, strict=True):
                if one.name == head and one.weights[0].shape != other.weights[0].shape:
                    print(f"{weights}: its findings are others; the head begins anew")
                else:
                    one.set_weights(other.get_weights())
        except ValueError as error:
            raise SystemExit(f"{weights}: these are weights of another network: {error}") from error
        self._averages = self.network.get_weights()

    def step(self, batch: Batch, number: int, learning_rate: float) -> float:
        """One step of gradient descent, after which the average moves a little; returns the loss."""
        self.optimizer.learning_rate = learning_rate
        self._taught.reset_metrics()
        inputs, targets, weights = [batch.images], [batch.targets], [batch.weights]
        if batch.cells is not None and batch.places is not None:
            inputs, targets, weights = [batch.images, batch.cells], [batch.targets, batch.places], [batch.weights] * 2
        loss = self._taught.train_on_batch(inputs, targets, weights)
        loss = loss[0] if isinstance(loss, list) else loss
        keep = np.float32(min(self._recipe.averaging, number / (number + AVERAGING_WARMUP_STEPS)))
        for mean, learned in zip(self._averages, self.network.get_weights(), strict=True):
            mean *= keep
            mean += (1 - keep) * learned
        return float(loss)

    def average(self) -> keras.Model:
        self.averaged.set_weights(self._averages)
        return self.averaged

    def state(self) -> State:
        """Everything that the next step depends on, but the batch: weights, seeds of dropout, optimizer, averages."""
        return {
            **_numbered("variable", [ops.convert_to_numpy(one) for one in self.network.variables]),
            **_numbered("optimizer", [ops.convert_to_numpy(one) for one in self.optimizer.variables]),
            **_numbered("average", self._averages),
        }

    def restore(self, state: State) -> None:
        """Go on as if never interrupted. Raises KeyError or ValueError when `state` is of another network."""
        for kind, variables in (("variable", self.network.variables), ("optimizer", self.optimizer.variables)):
            for place, variable in enumerate(variables):
                variable.assign(state[f"{kind}{place}"])
        self._averages = [np.array(state[f"average{place}"]) for place in range(len(self._averages))]


def _network(recipe: Recipe) -> keras.Model:
    return build(recipe.network, recipe.looked_at, len(recipe.findings), framed=recipe.frame is not None)


def _numbered(kind: str, arrays: list[NDArray[np.generic]]) -> State:
    return {f"{kind}{place}": array for place, array in enumerate(arrays)}
