"""Pieces of ONNX graphs written by hand: nodes in the order of a calculation, each value with a name of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from converter.package.network import InputSpec

# Normalisations that another standardisation undoes.
LINEAR = ("centre-standardise", "scale")


class GraphPart:
    """Nodes and constants whose names begin with `prefix`."""

    def __init__(self, prefix: str) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._prefix = prefix

    def constant(self, value: Any, kind: type[np.generic] = np.float32) -> str:
        name = f"{self._prefix}/constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, kind), name))
        return name

    def node(self, operator: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """The name of what `operator` makes of `inputs`."""
        name = output or f"{self._prefix}/{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def add_to(self, graph: onnx.GraphProto) -> None:
        graph.node.extend(self.nodes)
        graph.initializer.extend(self.constants)


def add_front(part: GraphPart, image: str, spec: InputSpec, branch: InputSpec, output: str) -> None:
    """From the input of `spec` to that of a smaller branch: [N, 1, H, W] or [N, H, W, 1] -> [N, 1, h, w], averaged over
    areas and standardised on its centre.

    Raises RuntimeError where the branch needs more pixels, or gray values that `spec` does not keep.
    """
    if spec.normalisation.name not in LINEAR:
        raise RuntimeError(f"a branch needs gray values, not the ranks of '{spec.normalisation.name}'")
    if spec.height < branch.height or spec.width < branch.width:
        raise RuntimeError(f"a branch needs an input of {branch.height} x {branch.width} at least")
    # The one channel is the first or the last axis: the same values in the same order.
    gray = part.node("Reshape", image, part.constant([-1, 1, spec.height, spec.width], np.int64))
    low = part.node("MatMul", part.constant(area_weights(spec.height, branch.height)), gray)
    small = part.node("MatMul", low, part.constant(area_weights(spec.width, branch.width).T))
    add_standardised(part, small, branch, output)


def add_standardised(part: GraphPart, gray: str, spec: InputSpec, output: str) -> None:
    """`gray` [N, 1, h, w] as `centre-standardise` of `spec` makes it (converter.image.model_input)."""
    rule = spec.normalisation
    rows, columns = (round(side * rule.margin) for side in (spec.height, spec.width))
    first = part.constant([rows, columns], np.int64)
    last = part.constant([spec.height - rows, spec.width - columns], np.int64)
    centre = part.node("Slice", gray, first, last, part.constant([2, 3], np.int64))
    mean = part.node("ReduceMean", centre, axes=[2, 3], keepdims=1)
    apart = part.node("Sub", centre, mean)
    variance = part.node("ReduceMean", part.node("Mul", apart, apart), axes=[2, 3], keepdims=1)
    divisor = part.node("Add", part.node("Sqrt", variance), part.constant(rule.epsilon))
    standard = part.node("Div", part.node("Sub", gray, mean), divisor)
    part.node("Clip", standard, part.constant(-rule.clip), part.constant(rule.clip), output=output)


def area_weights(side: int, shrunk: int) -> NDArray[np.float32]:
    """[shrunk, side]: what each of `side` pixels adds to each of `shrunk`, by the area they share."""
    edges = np.arange(shrunk + 1) * side / shrunk
    starts, ends = edges[:-1, np.newaxis], edges[1:, np.newaxis]
    pixels = np.arange(side)[np.newaxis]
    shared = np.clip(np.minimum(ends, pixels + 1) - np.maximum(starts, pixels), 0, None)
    return np.asarray(shared * shrunk / side, np.float32)
