"""What every network of the zoo ends with: the head whose map is the evidence."""

from __future__ import annotations

import keras
from keras import layers

# Zero biases let tf2onnx fold the Conv and fail in its transpose optimiser: the graph stays right but gets slow.
BIAS = keras.initializers.RandomUniform(-0.01, 0.01, seed=1)


def with_map(image: keras.KerasTensor, features: keras.KerasTensor, findings: int, family: str) -> keras.Model:
    """image -> `probability` [N, findings] and `cam` [N, h, w, findings]; sigmoid(mean(cam)) = probability.

    The head is a 1x1 convolution whose mean over the image is the logit, so the class activation map is the evidence
    itself, place by place.
    """
    cam = layers.Conv2D(findings, 1, bias_initializer=BIAS, dtype="float32", name="cam")(features)
    mean = layers.GlobalAveragePooling2D(dtype="float32")(cam)
    probability = layers.Activation("sigmoid", dtype="float32", name="probability")(mean)
    return keras.Model(image, [probability, cam], name=family)
