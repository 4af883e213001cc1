"""What a fit leaves behind: the network that outlines lungs, its graph, and what was measured of it."""

from __future__ import annotations

from pathlib import Path

import keras
import tensorflow as tf
import tf2onnx

from training.lungs.network_input import LUNG_INPUT
from training.lungs.packaged import GRAPH
from training.packaging.canonical import canonical
from training.packaging.hygiene import OPSET

NETWORK = "lungs.keras"


def save(folder: Path, network: keras.Model) -> bytes:
    """Write the fitted network and its graph to `folder`; returns the graph."""
    folder.mkdir(parents=True, exist_ok=True)
    network.save(folder / NETWORK)
    graph = to_graph(network)
    (folder / GRAPH).write_bytes(graph)
    return graph


def to_graph(network: keras.Model) -> bytes:
    """[N, 1, 128, 128] -> lungs [N, 1, 64, 64], the same bytes each time."""
    signature = (tf.TensorSpec((None, LUNG_INPUT.height, LUNG_INPUT.width, 1), tf.float32, name=LUNG_INPUT.name),)
    graph, _ = tf2onnx.convert.from_keras(
        network,
        input_signature=signature,
        opset=OPSET,
        inputs_as_nchw=[LUNG_INPUT.name],
        outputs_as_nchw=[network.output_names[0]],
    )
    for value in (*graph.graph.input, *graph.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    return bytes(canonical(graph, ["lungs"]).SerializeToString(deterministic=True))
