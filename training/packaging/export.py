"""A Keras network as an ONNX graph that gives the same answers, proven before it is written."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import keras
import numpy as np
import onnxruntime
import tensorflow as tf
import tf2onnx
from numpy.typing import NDArray

from converter.image.model_input import normalise
from converter.package.evidence import PROBABILITY_DIFFERENCE_MAX, Parity
from converter.package.network import InputSpec, OutputSpec
from training.data.images import channels_last
from training.packaging.canonical import canonical
from training.packaging.hygiene import OPSET, serialised
from training.packaging.scores import logits

BATCH = 64

OUTPUTS = (OutputSpec().probability, OutputSpec().cam)
# Rounding in the map is larger than in the probability that is made of its mean.
CAM_DIFFERENCE_MAX = 1e-3


def to_onnx(network: keras.Model, spec: InputSpec) -> bytes:
    """The graph, the same bytes each time: image (and cells, of a framed network) -> probability [N, findings], and cam
    [N, findings, h, w].

    Raises RuntimeError where it is no graph for serving (training/packaging/hygiene.py).
    """
    first_channel = spec.layout == "NCHW"
    names = [spec.name, *(["cells"] if len(network.inputs) > 1 else [])]
    shapes = [(spec.height, spec.width, 1), *(tuple(one.shape[1:]) for one in network.inputs[1:])]
    signature = tuple(
        tf.TensorSpec((None, *shape), tf.float32, name=name) for shape, name in zip(shapes, names, strict=True)
    )
    graph, _ = tf2onnx.convert.from_keras(
        network,
        input_signature=signature,
        opset=OPSET,
        inputs_as_nchw=names if first_channel else None,
        outputs_as_nchw=[network.output_names[1]] if first_channel else None,
    )
    for value in (*graph.graph.input, *graph.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    made = canonical(graph, OUTPUTS)
    return serialised(made, OUTPUTS, len(names))


def prove_parity(
    network: keras.Model, graph: bytes, inputs: Sequence[NDArray[np.float32]], spec: InputSpec, split: str
) -> Parity:
    """Keras and ONNX Runtime over all `inputs` (films, and cells of a framed network), both outputs.

    Raises RuntimeError when they differ too much.
    """
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]
    largest = dict.fromkeys(OUTPUTS, 0.0)
    for start in range(0, len(inputs[0]), BATCH):
        batch = [one[start : start + BATCH] for one in inputs]
        wanted = [np.asarray(one) for one in network.predict_on_batch([channels_last(one, spec) for one in batch])]
        if spec.layout == "NCHW":
            wanted[1] = np.moveaxis(wanted[1], -1, 1)
        given = session.run(list(OUTPUTS), dict(zip(names, batch, strict=True)))
        explained = 1 / (1 + np.exp(-logits(given[1], spec.layout)))
        for name, one, other in (*zip(OUTPUTS, given, wanted, strict=True), (OUTPUTS[0], given[0], explained)):
            largest[name] = max(largest[name], float(np.abs(one - other).max()))
    for name, difference in largest.items():
        allowed = CAM_DIFFERENCE_MAX if name == "cam" else PROBABILITY_DIFFERENCE_MAX
        if not difference <= allowed:
            raise RuntimeError(
                f"Keras and ONNX Runtime differ by {difference:.1e} in {name} ({allowed:.0e} is allowed)"
            )
    probability, cam = (float(f"{largest[name]:.1e}") for name in OUTPUTS)
    return Parity(split=split, images=len(inputs[0]), probability=probability, cam=cam)


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
