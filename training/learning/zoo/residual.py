"""A small residual network whose map lies where the picture is."""

from __future__ import annotations

import keras
from keras import layers

from converter.package.network import InputSpec
from training.learning.network_shapes import Residual
from training.learning.zoo.head import BIAS, with_map

Padding = tuple[int, int]

BATCH_NORM_MOMENTUM = 0.95


def residual_network(network: Residual, spec: InputSpec, findings: int = 1, framed: bool = False) -> keras.Model:
    """image [N, H, W, 1] -> probability [N, findings], cam [N, h, w, findings], halved once and at each stride of 2."""
    image = keras.Input((spec.height, spec.width, 1), name=spec.name)
    paddings = iter(halving_paddings(network.halvings))
    x = layers.ReLU()(_convolution(image, network.stem, 3, next(paddings)))
    for filters, stride in zip(network.stages, network.strides, strict=True):
        x = _residual_block(x, filters, next(paddings) if stride == 2 else None)
    x = layers.SpatialDropout2D(network.dropout)(x)
    return with_map(image, x, findings, network.family, framed)


def halving_paddings(halvings: int) -> list[Padding]:
    """Rows (and columns) of zeros before and after, for each of the 3x3 convolutions of stride 2, the first one first.

    Output i of such a convolution should look at inputs 2i and 2i + 1, whose centre is 2i + 1/2. Its kernel is centred
    on 2i + 1 with the padding (0, 1), half a pixel too far on, and on 2i with (1, 0), half a pixel too early. A pixel
    before the k-th halving (from 0) is 2^k image pixels wide, so a network that pads only at the end, as "same" does,
    looks (2^n - 1) / 2 image pixels too far right and down, and its map is drawn as much too far left and up. The last
    halving outweighs all others together by one: padded at the start, with the others padded at the end, it leaves
    (1 + 2 + ... + 2^(n-2) - 2^(n-1)) / 2 = -1/2 image pixel, the least there is.

    The shortcuts of the residual blocks average 2x2 pixels and are centred. Only the stem has none: a path through the
    shortcuts alone is half a pixel off the other way, so the mean over all paths is 0.
    """
    return [(0, 1)] * (halvings - 1) + [(1, 0)] * (halvings > 0)


def _convolution(x: keras.KerasTensor, filters: int, size: int, padding: Padding | None = None) -> keras.KerasTensor:
    """A convolution that keeps the resolution, or with a `padding` halves it."""
    if padding:
        x = layers.ZeroPadding2D((padding, padding))(x)
    x = layers.Conv2D(
        filters,
        size,
        2 if padding else 1,
        padding="valid" if padding else "same",
        kernel_initializer="he_normal",
        bias_initializer=BIAS,
    )(x)
    return layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM)(x)


def _residual_block(x: keras.KerasTensor, filters: int, padding: Padding | None) -> keras.KerasTensor:
    inner = layers.ReLU()(_convolution(x, filters, 3, padding))
    inner = _convolution(inner, filters, 3)
    shortcut = layers.AveragePooling2D(2)(x) if padding else x
    if padding or shortcut.shape[-1] != filters:
        shortcut = _convolution(shortcut, filters, 1)
    return layers.ReLU()(layers.Add()([inner, shortcut]))
