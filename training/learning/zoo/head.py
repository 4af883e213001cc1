"""What every network of the zoo ends with: the head whose map is the evidence."""

from __future__ import annotations

import keras
from keras import layers

# Zero biases let tf2onnx fold the Conv and fail in its transpose optimiser: the graph stays right but gets slow.
BIAS = keras.initializers.RandomUniform(-0.01, 0.01, seed=1)


def with_map(
    image: keras.KerasTensor, features: keras.KerasTensor, findings: int, family: str, framed: bool = False
) -> keras.Model:
    """image -> `probability` [N, findings] and `cam` [N, h, w, findings]; sigmoid(mean(cam)) = probability.

    The head is a 1x1 convolution whose mean over the image is the logit, so the class activation map is the evidence
    itself, place by place. A `framed` network is also told `cells` [N, h, w, 1], how much each place counts (1 in the
    mean, 0 where no lung is near): what lies elsewhere can be no evidence.
    """
    name = "evidence" if framed else "cam"
    cam = layers.Conv2D(findings, 1, bias_initializer=BIAS, dtype="float32", name=name)(features)
    inputs = image
    if framed:
        cells = keras.Input((*features.shape[1:3], 1), name="cells")
        cam, inputs = layers.Multiply(dtype="float32", name="cam")([cam, cells]), [image, cells]
    mean = layers.GlobalAveragePooling2D(dtype="float32")(cam)
    probability = layers.Activation("sigmoid", dtype="float32", name="probability")(mean)
    return keras.Model(inputs, [probability, cam], name=family)


def head_of(network: keras.Model) -> keras.layers.Layer:
    """The convolution that makes the evidence."""
    names = [layer.name for layer in network.layers]
    return network.get_layer("evidence" if "evidence" in names else "cam")
