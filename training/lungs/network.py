"""The network that outlines lungs: a small U-Net (Ronneberger et al., MICCAI 2015, arXiv 1505.04597)."""

from __future__ import annotations

import keras
from keras import layers

from training.learning.zoo.head import BIAS
from training.lungs.network_input import LUNG_INPUT, SIDE

# Channels at 64, 32, 16 and 8 rows.
WIDTHS = (20, 40, 64, 96)


def lung_network() -> keras.Model:
    """[N, 128, 128, 1] -> `lungs` [N, 64, 64, 1], the share of lung in each cell."""
    image = keras.Input((SIDE, SIDE, 1), name=LUNG_INPUT.name)
    x = _convolution(image, 12, stride=2)
    passed = []
    for place, width in enumerate(WIDTHS):
        x = layers.MaxPooling2D(2)(x) if place else x
        x = _convolution(_convolution(x, width), width)
        passed.append(x)
    for width, skip in zip(reversed(WIDTHS[:-1]), reversed(passed[:-1]), strict=True):
        x = layers.UpSampling2D(2, interpolation="bilinear")(_convolution(x, width, kernel=1))
        x = _convolution(layers.Concatenate()([skip, x]), width)
    x = layers.Conv2D(1, 1, bias_initializer=BIAS)(x)
    return keras.Model(image, layers.Activation("sigmoid", dtype="float32", name="lungs")(x), name="lungs")


def _convolution(x: keras.KerasTensor, filters: int, kernel: int = 3, stride: int = 1) -> keras.KerasTensor:
    x = layers.Conv2D(filters, kernel, stride, padding="same", kernel_initializer="he_normal", bias_initializer=BIAS)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.95)(x))
