"""A graph whose features are computed in float16, for a GPU, and what that rounding does to its answers.

ONNX Runtime computes such a graph in float32 on a CPU, so it cannot be judged there by itself. `rounded` is the float32
graph with every weight and every feature rounded to float16 on the way, which is what a GPU stores; sums are float32 in
both. Head, map, calibration and gate stay in float32.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.transformers.float16 import convert_float_to_float16

from training.packaging.canonical import canonical
from training.packaging.hygiene import before_the_head, serialised


def halved(full: bytes) -> bytes:
    """`full` in float16 up to the head; inputs and outputs stay float32."""
    graph = onnx.load_model_from_string(full)
    features = set(before_the_head(graph))
    others = [node.name for node in graph.graph.node if node.name not in features]
    names = [value.name for value in graph.graph.output]
    half = convert_float_to_float16(graph, keep_io_types=True, node_block_list=others)
    remove_round_trips(half)
    return serialised(canonical(half, names), names)


def remove_round_trips(graph: onnx.ModelProto) -> None:
    """Let nodes that stay in float32 hand on float32: the converter casts to float16 and back between any two of them.

    The names of outputs change where a round trip made them.
    """
    makers = {made: node for node in graph.graph.node for made in node.output}
    before: dict[str, str] = {}
    for node in graph.graph.node:
        maker = makers.get(node.input[0]) if _casts_to(node, TensorProto.FLOAT) else None
        if maker is not None and _casts_to(maker, TensorProto.FLOAT16):
            before[node.output[0]] = maker.input[0]
    exact = {name: _first(before, name) for name in before}
    for node in graph.graph.node:
        node.input[:] = [exact.get(needed, needed) for needed in node.input]
    for value in graph.graph.output:
        value.name = exact.get(value.name, value.name)


def _casts_to(node: onnx.NodeProto, kind: int) -> bool:
    return bool(node.op_type == "Cast" and node.attribute[0].i == kind)


def _first(before: dict[str, str], name: str) -> str:
    while name in before:
        name = before[name]
    return name


def rounded(full: bytes) -> bytes:
    """`full` in float32 with the rounding of float16: each feature cast there and back, the image, and the weights."""
    graph = onnx.load_model_from_string(full)
    features = set(before_the_head(graph))
    image = graph.graph.input[0].name
    nodes, weights = list(_there_and_back(image, f"{image}/rounded")), set()
    for node in graph.graph.node:
        nodes.append(node)
        if node.name in features:
            weights |= set(node.input)
            node.input[:] = [f"{image}/rounded" if needed == image else needed for needed in node.input]
            made = node.output[0]
            node.output[0] = f"{made}/exact"
            nodes += _there_and_back(f"{made}/exact", made)
    for constant in graph.graph.initializer:
        if constant.name in weights and constant.data_type == TensorProto.FLOAT:
            half = numpy_helper.to_array(constant).astype(np.float16).astype(np.float32)
            constant.CopyFrom(numpy_helper.from_array(half, constant.name))
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
    return bytes(graph.SerializeToString())


def _there_and_back(exact: str, rounded: str) -> tuple[onnx.NodeProto, onnx.NodeProto]:
    half = f"{rounded}/half"
    return (
        helper.make_node("Cast", [exact], [half], to=TensorProto.FLOAT16),
        helper.make_node("Cast", [half], [rounded], to=TensorProto.FLOAT),
    )
