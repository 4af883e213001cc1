"""ONNX graphs of a line or two for tests of the frame: an outline that is the bright part of a film, and findings
whose map is what the test says. Needs the package onnx."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from training.lungs.network_input import GRAPH_INPUT, MASK_SIDE, SIDE

FLOAT = onnx.TensorProto.FLOAT


def outline_graph() -> bytes:
    """[N, 1, 128, 128] standardised -> lungs [N, 1, 64, 64]: near 1 where the film is brighter than most of it."""
    nodes = [
        helper.make_node("AveragePool", [GRAPH_INPUT.name], ["mean"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Sub", ["mean", "brighter"], ["above"]),
        helper.make_node("Mul", ["above", "steepness"], ["steep"]),
        helper.make_node("Sigmoid", ["steep"], ["lungs"]),
    ]
    inputs = [helper.make_tensor_value_info(GRAPH_INPUT.name, FLOAT, ["N", 1, SIDE, SIDE])]
    outputs = [helper.make_tensor_value_info("lungs", FLOAT, ["N", 1, MASK_SIDE, MASK_SIDE])]
    return _serialised(nodes, inputs, outputs, {"brighter": 0.5, "steepness": 6.0})


def finding_graph(side: int, cells: int) -> bytes:
    """framed [N, 1, side, side], cells -> probability and cam of two findings: brightness, and its contrary."""
    block = side // cells
    nodes = [
        helper.make_node("AveragePool", ["framed"], ["mean"], kernel_shape=[block, block], strides=[block, block]),
        helper.make_node("Conv", ["mean", "kernel", "bias"], ["evidence"]),
        helper.make_node("Mul", ["evidence", "cells"], ["cam"]),
    ]
    kernel = np.array([1.5, -1.0], np.float32).reshape(2, 1, 1, 1)
    return _finding(nodes, side, cells, 2, {"kernel": kernel, "bias": [-0.3, 0.2]})


def spot_graph(side: int, evidence: np.ndarray) -> bytes:
    """One finding whose map over the frame is `evidence` [cells, cells], whatever the film shows."""
    nodes = [
        helper.make_node("ReduceMean", ["framed"], ["mean"], axes=[2, 3], keepdims=1),
        helper.make_node("Mul", ["cells", "mean"], ["seen"]),
        helper.make_node("Mul", ["seen", "nothing"], ["zero"]),
        helper.make_node("Add", ["zero", "evidence"], ["cam"]),
    ]
    return _finding(nodes, side, len(evidence), 1, {"nothing": 0.0, "evidence": evidence[np.newaxis, np.newaxis]})


def _finding(nodes: list[Any], side: int, cells: int, findings: int, constants: dict[str, Any]) -> bytes:
    nodes += [
        helper.make_node("ReduceMean", ["cam"], ["logit"], axes=[2, 3], keepdims=0),
        helper.make_node("Sigmoid", ["logit"], ["probability"]),
    ]
    inputs = [("framed", ["N", 1, side, side]), ("cells", ["N", 1, cells, cells])]
    outputs = [("probability", ["N", findings]), ("cam", ["N", findings, cells, cells])]
    values = [
        [helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in group] for group in (inputs, outputs)
    ]
    return _serialised(nodes, values[0], values[1], constants)


def _serialised(nodes: list[Any], inputs: list[Any], outputs: list[Any], constants: dict[str, Any]) -> bytes:
    held = [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "graph", inputs, outputs, held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())
