"""Networks: Keras functional models from one gray image to `probability` and its class activation map `cam`."""

from __future__ import annotations

import keras
from keras import layers

from converter.manifest import InputSpec
from training.recipe import Network

BATCH_NORM_MOMENTUM = 0.95
# Zero biases let tf2onnx fold the Conv and fail in its transpose optimiser: the graph stays right but gets slow.
BIAS = keras.initializers.RandomUniform(-0.01, 0.01, seed=1)


def residual_network(network: Network, spec: InputSpec, findings: int = 1) -> keras.Model:
    """A small residual network.

    The head is a 1x1 convolution (`cam`) whose mean over the image is the logit, so the class activation map is the
    evidence itself, place by place: sigmoid(mean(cam)) = probability.
    """
    image = keras.Input((spec.height, spec.width, 1), name=spec.name)
    x = layers.ReLU()(_convolution(image, network.stem, 3, 2))
    for filters, stride in zip(network.stages, network.strides, strict=True):
        x = _residual_block(x, filters, stride)
    x = layers.SpatialDropout2D(network.dropout)(x)
    cam = layers.Conv2D(findings, 1, bias_initializer=BIAS, name="cam")(x)
    probability = layers.Activation("sigmoid", name="probability")(layers.GlobalAveragePooling2D()(cam))
    return keras.Model(image, [probability, cam], name="residual")


def _convolution(x: keras.KerasTensor, filters: int, size: int, stride: int) -> keras.KerasTensor:
    x = layers.Conv2D(filters, size, stride, padding="same", kernel_initializer="he_normal", bias_initializer=BIAS)(x)
    return layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM)(x)


def _residual_block(x: keras.KerasTensor, filters: int, stride: int) -> keras.KerasTensor:
    inner = layers.ReLU()(_convolution(x, filters, 3, stride))
    inner = _convolution(inner, filters, 3, 1)
    shortcut = layers.AveragePooling2D(stride)(x) if stride > 1 else x
    if stride > 1 or shortcut.shape[-1] != filters:
        shortcut = _convolution(shortcut, filters, 1, 1)
    return layers.ReLU()(layers.Add()([inner, shortcut]))
