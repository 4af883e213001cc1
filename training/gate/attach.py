"""Adds a fitted gate to an exported graph as a third output. What the graph gave before it gives unchanged.

The gate takes the graph's own input: averaged down to 64 x 64, standardised on its centre as
converter.image.model_input does, so that it fits a network of any input size and either normalisation.
"""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from converter.package.network import InputSpec
from training.packaging.canonical import canonical
from training.packaging.hygiene import problems

OUTPUT = "gate"
# Normalisations that the gate's own standardisation undoes.
LINEAR = ("centre-standardise", "scale")


def add_gate(graph: bytes, spec: InputSpec, gate: bytes, gate_spec: InputSpec) -> bytes:
    """`graph` (probability, cam) with the output `gate` of the graph `gate` (input [N, 1, h, w] of `gate_spec`).

    Raises RuntimeError when what comes out is no graph for serving.
    """
    whole, branch = onnx.load_model_from_string(graph), onnx.load_model_from_string(gate)
    names = [value.name for value in whole.graph.output]
    if OUTPUT in names:
        raise RuntimeError("the graph has an input gate already")
    prefixed = onnx.compose.add_prefix(branch, "gate/")
    front, constants = _front(spec, gate_spec, prefixed.graph.input[0].name)
    whole.graph.node.extend([*front, *prefixed.graph.node])
    whole.graph.initializer.extend([*constants, *prefixed.graph.initializer])
    whole.graph.output.extend(prefixed.graph.output)
    merged = canonical(whole, [*names, OUTPUT])
    onnx.checker.check_model(merged, full_check=True)
    found = problems(merged, [*names, OUTPUT])
    if found:
        raise RuntimeError(f"not a graph for serving: {'; '.join(found)}")
    return bytes(merged.SerializeToString(deterministic=True))


def _front(spec: InputSpec, gate_spec: InputSpec, target: str) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """From the network's input to the gate's: [N, 1, H, W] or [N, H, W, 1] -> [N, 1, h, w], standardised."""
    if spec.normalisation.name not in LINEAR:
        raise RuntimeError(f"the gate was fitted on gray values, not on the ranks of '{spec.normalisation.name}'")
    if spec.height < gate_spec.height or spec.width < gate_spec.width:
        raise RuntimeError(f"the gate needs an input of {gate_spec.height} x {gate_spec.width} at least")
    rule = gate_spec.normalisation
    rows, columns = (round(side * rule.margin) for side in (gate_spec.height, gate_spec.width))
    constants = {
        "front/rows": area_weights(spec.height, gate_spec.height),
        "front/columns": area_weights(spec.width, gate_spec.width).T,
        "front/shape": np.array([-1, 1, spec.height, spec.width], np.int64),
        "front/first": np.array([rows, columns], np.int64),
        "front/last": np.array([gate_spec.height - rows, gate_spec.width - columns], np.int64),
        "front/axes": np.array([2, 3], np.int64),
        "front/epsilon": np.array(rule.epsilon, np.float32),
        "front/low": np.array(-rule.clip, np.float32),
        "front/high": np.array(rule.clip, np.float32),
    }
    nodes = [
        # The one channel is the first or the last axis: the same values in the same order.
        helper.make_node("Reshape", [spec.name, "front/shape"], ["front/gray"]),
        helper.make_node("MatMul", ["front/rows", "front/gray"], ["front/low_rows"]),
        helper.make_node("MatMul", ["front/low_rows", "front/columns"], ["front/small"]),
        helper.make_node("Slice", ["front/small", "front/first", "front/last", "front/axes"], ["front/centre"]),
        helper.make_node("ReduceMean", ["front/centre"], ["front/mean"], axes=[2, 3], keepdims=1),
        helper.make_node("Sub", ["front/centre", "front/mean"], ["front/apart"]),
        helper.make_node("Mul", ["front/apart", "front/apart"], ["front/squared"]),
        helper.make_node("ReduceMean", ["front/squared"], ["front/variance"], axes=[2, 3], keepdims=1),
        helper.make_node("Sqrt", ["front/variance"], ["front/deviation"]),
        helper.make_node("Add", ["front/deviation", "front/epsilon"], ["front/divisor"]),
        helper.make_node("Sub", ["front/small", "front/mean"], ["front/around"]),
        helper.make_node("Div", ["front/around", "front/divisor"], ["front/standard"]),
        helper.make_node("Clip", ["front/standard", "front/low", "front/high"], [target]),
    ]
    return nodes, [numpy_helper.from_array(value, name) for name, value in constants.items()]


def area_weights(side: int, shrunk: int) -> NDArray[np.float32]:
    """[shrunk, side]: what each of `side` pixels adds to each of `shrunk`, by the area they share."""
    edges = np.arange(shrunk + 1) * side / shrunk
    starts, ends = edges[:-1, np.newaxis], edges[1:, np.newaxis]
    pixels = np.arange(side)[np.newaxis]
    shared = np.clip(np.minimum(ends, pixels + 1) - np.maximum(starts, pixels), 0, None)
    return np.asarray(shared * shrunk / side, np.float32)
