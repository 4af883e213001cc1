"""The gate's network: a small convolutional one on 64 x 64 gray values, standardised as the finding networks' input."""

from __future__ import annotations

import keras
from keras import layers

from training.gate.spec import GATE_INPUT, SIDE

WIDTHS = (16, 32, 64, 96)
# As in training.learning.zoo: zero biases let tf2onnx fold a convolution so that its transpose optimiser fails.
BIAS = keras.initializers.RandomUniform(-0.01, 0.01, seed=1)


def gate_network(kinds: int, dropout: float = 0.3) -> keras.Model:
    """[N, 64, 64, 1] -> `gate` [N, kinds], a softmax.

    The last maps are weighed place by place, not averaged: a chest upside down has the same parts in other places.
    """
    image = keras.Input((SIDE, SIDE, 1), name=GATE_INPUT.name)
    x = _block(image, WIDTHS[0], 2)
    for width in WIDTHS[1:3]:
        x = _block(_block(x, width, 2), width, 1)
    x = _block(x, WIDTHS[3], 2)
    x = layers.DepthwiseConv2D(4, depth_multiplier=2, bias_initializer=BIAS)(x)
    x = layers.Dropout(dropout)(layers.Flatten()(layers.ReLU()(x)))
    x = layers.Dense(kinds, bias_initializer=BIAS)(x)
    return keras.Model(image, layers.Softmax(name="gate")(x), name="gate")


def _block(x: keras.KerasTensor, filters: int, stride: int) -> keras.KerasTensor:
    x = layers.Conv2D(filters, 3, stride, padding="same", kernel_initializer="he_normal", bias_initializer=BIAS)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.95)(x))
