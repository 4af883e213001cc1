"""A Keras network as an ONNX graph that gives the same answers, proven before it is written."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import cv2
import keras
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx
from numpy.typing import NDArray

from converter.image.model_input import normalise
from converter.manifest import InputSpec
from training.canonical import canonical
from training.scores import logits, score

OPSET = 17
PARITY_MAX = 1e-4
TRANSPOSES_MAX = 4


def fold_temperature(network: keras.Model, temperature: float) -> None:
    """Divide the head by `temperature`: the graph then gives calibrated probabilities, and its map stays their sum."""
    head = network.get_layer("cam")
    head.set_weights([weight / temperature for weight in head.get_weights()])


def to_onnx(network: keras.Model, spec: InputSpec) -> bytes:
    """The graph, the same bytes each time: image -> probability [N, findings] and cam [N, findings, h, w]."""
    first_channel = spec.layout == "NCHW"
    signature = (tf.TensorSpec((None, spec.height, spec.width, 1), tf.float32, name=spec.name),)
    graph, _ = tf2onnx.convert.from_keras(
        network,
        input_signature=signature,
        opset=OPSET,
        inputs_as_nchw=[spec.name] if first_channel else None,
        outputs_as_nchw=["cam"] if first_channel else None,
    )
    for value in (*graph.graph.input, *graph.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    graph = canonical(graph)
    onnx.checker.check_model(graph, full_check=True)
    transposes = sum(node.op_type == "Transpose" for node in graph.graph.node)
    if transposes > TRANSPOSES_MAX:
        raise RuntimeError(f"{transposes} Transpose nodes: tf2onnx did not optimise the graph, see its log")
    return bytes(graph.SerializeToString(deterministic=True))


def check_parity(network: keras.Model, graph: bytes, inputs: NDArray[np.float32], spec: InputSpec) -> float:
    """The largest difference between Keras and ONNX Runtime on `inputs`; raises when it is too large."""
    channels_last = np.moveaxis(inputs, 1, -1) if spec.layout == "NCHW" else inputs
    wanted_probability, wanted_cam = network.predict(channels_last, verbose=0)
    if spec.layout == "NCHW":
        wanted_cam = np.moveaxis(wanted_cam, -1, 1)
    probability, cam = score(graph, inputs)
    difference = max(
        float(np.abs(probability - wanted_probability).max()),
        float(np.abs(cam - wanted_cam).max()),
        float(np.abs(1 / (1 + np.exp(-logits(cam, spec.layout))) - probability).max()),
    )
    if difference > PARITY_MAX:
        raise RuntimeError(f"Keras and ONNX Runtime differ by {difference:.1e} (at most {PARITY_MAX:.0e} is allowed)")
    return difference


def reference_inputs(spec: InputSpec, seed: int = 7) -> NDArray[np.float32]:
    """Four pictures that we draw: noise, a ramp, two dark lungs on a bright body, the same with one side clouded."""
    rng = np.random.default_rng(seed)
    height, width = spec.height, spec.width
    noise = cv2.GaussianBlur(rng.random((height, width), dtype=np.float32), (0, 0), 3)
    ramp = np.linspace(0, 1, height * width, dtype=np.float32).reshape(height, width)
    lungs = _thorax(height, width)
    clouded = lungs.copy()
    cv2.ellipse(clouded, (width * 2 // 3, height * 2 // 3), (width // 9, height // 9), 0, 0, 360, 0.75, -1)
    drawn = (noise, ramp, *(cv2.GaussianBlur(picture, (0, 0), 2) for picture in (lungs, clouded)))
    axis = 0 if spec.layout == "NCHW" else -1
    return np.stack([np.expand_dims(normalise(np.asarray(gray, np.float32), spec), axis) for gray in drawn])


def _thorax(height: int, width: int) -> NDArray[np.float32]:
    picture = np.full((height, width), 0.15, dtype=np.float32)
    cv2.ellipse(picture, (width // 2, height * 11 // 20), (width * 9 // 20, height // 2), 0, 0, 360, 0.8, -1)
    for centre in (width // 3, width * 2 // 3):
        cv2.ellipse(picture, (centre, height // 2), (width // 8, height * 3 // 10), 0, 0, 360, 0.3, -1)
    return picture
