"""Convolutions with pooling, then dense layers: the networks that tutorials begin with, with a map as their head.

They end in a flattened image and dense layers elsewhere. Here the dense layers work at each place of the map alike
(1x1 convolutions) and the places are averaged last: the map is then exactly what the probability is made of.
"""

from __future__ import annotations

import keras
from keras import layers

from converter.package.network import InputSpec
from training.learning.network_shapes import Plain
from training.learning.zoo.head import BIAS, with_map

POOLINGS = {"max": layers.MaxPooling2D, "average": layers.AveragePooling2D}


def plain_network(network: Plain, spec: InputSpec, findings: int = 1, framed: bool = False) -> keras.Model:
    """image [N, H, W, 1] -> probability [N, findings], cam [N, H / 2^n, W / 2^n, findings] for n convolutions.

    Pooling 2x2 is centred, so the map is not shifted.
    """
    x = image = keras.Input((spec.height, spec.width, 1), name=spec.name)
    for filters in network.filters:
        x = _convolution(x, filters, network)
        x = POOLINGS[network.pooling](2)(x)
    for units in network.dense:
        x = layers.Conv2D(units, 1, activation="relu", bias_initializer=BIAS)(x)
    if network.dropout:
        x = layers.SpatialDropout2D(network.dropout)(x)
    return with_map(image, x, findings, network.family, framed)


def _convolution(x: keras.KerasTensor, filters: int, network: Plain) -> keras.KerasTensor:
    x = layers.Conv2D(filters, network.kernel, padding="same", kernel_initializer="he_normal", bias_initializer=BIAS)(x)
    if network.batch_normalisation:
        x = layers.BatchNormalization(momentum=0.95)(x)
    return layers.ReLU()(x)
