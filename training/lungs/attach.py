"""One graph for serving: outline the lungs, look at the frame round them, and lay the map over the whole film again.

The arithmetic is that of training/data/frame.py. Everything is products of matrices, which every provider has; the map
that leaves the graph keeps its promise, that its mean is the logit.
"""

from __future__ import annotations

import numpy as np
import onnx

from converter.package.network import InputSpec
from training.data import frame as rules
from training.lungs.network_input import GRAPH_INPUT, MASK_SIDE
from training.packaging.branch import branch_of, float_value
from training.packaging.canonical import canonical
from training.packaging.graph_parts import GraphPart, add_front, add_standardised
from training.packaging.hygiene import serialised

OUTPUT = "lungs"
# Cells a side of the map over the whole film.
MAP_SIDE = 24
FRAMED, CELLS = "framed", "cells"
COLUMNS, ROWS = 2, 3  # the axes that are added up for the mass of each column, and of each row


def front_graph(lungs: bytes, spec: InputSpec, framed: InputSpec, cells: tuple[int, int]) -> bytes:
    """The input of `spec` -> `framed` [N, 1, h, w] as a network with the input `framed` takes it, `cells`
    [N, 1, *cells], `lungs` [N, 1, 64, 64].

    `lungs` is the graph of a fitted network (training/lungs/fitted.py). A finding network is taught and decided on by
    what this graph makes of films.
    """
    whole = _front(lungs, spec, framed, cells)
    for name, shape in ((FRAMED, (framed.height, framed.width)), (CELLS, cells), (OUTPUT, (MASK_SIDE, MASK_SIDE))):
        whole.graph.output.append(float_value(name, 1, *shape))
    names = [FRAMED, CELLS, OUTPUT]
    return serialised(canonical(whole, names), names)


def framed_graph(lungs: bytes, spec: InputSpec, framed: InputSpec, finding: bytes) -> bytes:
    """The graph for serving, with the outputs probability, cam over the whole film in the layout of `spec`, and lungs
    [N, 1, 64, 64].

    `finding` is the graph of a network with the inputs `framed` and `cells`. Raises RuntimeError where no graph for
    serving comes out.
    """
    part = onnx.load_model_from_string(finding)
    findings, rows, columns = (one.dim_value for one in part.graph.output[1].type.tensor_type.shape.dim[1:])
    whole = _front(lungs, spec, framed, (rows, columns))
    part = onnx.compose.add_prefix(part, "finding/")
    join = GraphPart("join")
    for value, name in zip(part.graph.input, (FRAMED, CELLS), strict=True):
        join.node("Identity", name, output=value.name)
    join.add_to(whole.graph)
    whole.graph.node.extend(part.graph.node)
    whole.graph.initializer.extend(part.graph.initializer)
    paste = GraphPart("paste")
    laid = _add_paste(paste, part.graph.output[1].name, rows, columns)
    if spec.layout == "NCHW":
        paste.node("Identity", laid, output="cam")
    else:
        paste.node("Transpose", laid, perm=[0, 2, 3, 1], output="cam")
    paste.node("Identity", part.graph.output[0].name, output="probability")
    paste.add_to(whole.graph)
    whole.graph.output.append(float_value("probability", findings))
    sides = (MAP_SIDE, MAP_SIDE)
    whole.graph.output.append(
        float_value("cam", *((findings, *sides) if spec.layout == "NCHW" else (*sides, findings)))
    )
    whole.graph.output.append(float_value(OUTPUT, 1, MASK_SIDE, MASK_SIDE))
    names = ["probability", "cam", OUTPUT]
    return serialised(canonical(whole, names), names)


def is_framed(graph: bytes) -> bool:
    """Whether `graph` cuts a frame out of its input, as those of `framed_graph` do."""
    return OUTPUT in [one.name for one in onnx.load_model_from_string(graph).graph.output]


def outline_of(graph: bytes) -> bytes:
    """The graph that outlines the lungs, as it was fitted, out of one that `framed_graph` made.

    Raises ValueError where there is no such part.
    """
    return branch_of(graph, OUTPUT, GRAPH_INPUT, (1, MASK_SIDE, MASK_SIDE))


def _front(lungs: bytes, spec: InputSpec, framed: InputSpec, cells: tuple[int, int]) -> onnx.ModelProto:
    """A graph without outputs that has the values FRAMED, CELLS, OUTPUT and the edges of the frame."""
    branch = onnx.load_model_from_string(lungs)
    whole = onnx.ModelProto()
    whole.CopyFrom(branch)
    for part in ("node", "initializer", "input", "output", "value_info"):
        whole.graph.ClearField(part)
    sides = (1, spec.height, spec.width) if spec.layout == "NCHW" else (spec.height, spec.width, 1)
    whole.graph.input.append(float_value(spec.name, *sides))
    _add_front(whole, branch, spec, framed, cells)
    return whole


def _add_front(
    whole: onnx.ModelProto, branch: onnx.ModelProto, spec: InputSpec, framed: InputSpec, cells: tuple[int, int]
) -> None:
    outlines = onnx.compose.add_prefix(branch, "outline/")
    before, after = GraphPart("front"), GraphPart("frame")
    add_front(before, spec.name, spec, GRAPH_INPUT, outlines.graph.input[0].name)
    after.node("Identity", outlines.graph.output[0].name, output=OUTPUT)
    inside = _as_number(after, after.node("Greater", OUTPUT, after.constant(rules.LUNG)))
    spans = [_span(after, inside, axis) for axis in (COLUMNS, ROWS)]
    found = _found(after, inside, spans)
    (left, right), (top, bottom) = (_with_margin(after, span, found) for span in spans)
    gray = after.node("Reshape", spec.name, after.constant([-1, 1, spec.height, spec.width], np.int64))
    edges = (top, bottom, left, right)
    cut = _resampled(after, gray, (spec.height, spec.width), (framed.height, framed.width), edges)
    add_standardised(after, cut, framed, FRAMED)
    side = 2 * rules.BEYOND_EDGE + 1
    near = after.node("MaxPool", inside, kernel_shape=[side, side], pads=[rules.BEYOND_EDGE] * 4, strides=[1, 1])
    counted = _resampled(after, near, (MASK_SIDE, MASK_SIDE), cells, edges)
    mean = after.node("ReduceMean", counted, axes=[2, 3], keepdims=1)
    weighed = after.node("Div", counted, after.node("Max", mean, after.constant(1e-6)))
    after.node("Where", found, weighed, after.constant(np.ones((1, 1, *cells))), output=CELLS)
    # The edges are needed again where the map is laid over the whole film.
    for name, value in (("left", left), ("right", right), ("top", top), ("bottom", bottom)):
        after.node("Identity", value, output=f"edge_{name}")
    before.add_to(whole.graph)
    whole.graph.node.extend(outlines.graph.node)
    whole.graph.initializer.extend(outlines.graph.initializer)
    after.add_to(whole.graph)


def _span(part: GraphPart, inside: str, axis: int) -> tuple[str, str]:
    """frame.py, `_span`: both [N, 1, 1, 1], as shares of the film."""
    along = 5 - axis
    mass = part.node("ReduceSum", inside, part.constant([axis], np.int64), keepdims=1)
    allowed = part.node(
        "Mul", part.node("ReduceSum", mass, part.constant([along], np.int64), keepdims=1), part.constant(rules.BEYOND)
    )
    edges = []
    for reverse in (0, 1):
        reached = part.node("CumSum", mass, part.constant(along, np.int64), reverse=reverse)
        beyond = _as_number(part, part.node("LessOrEqual", reached, allowed))
        count = part.node("ReduceSum", beyond, part.constant([along], np.int64), keepdims=1)
        edges.append(part.node("Div", count, part.constant(MASK_SIDE)))
    return edges[0], part.node("Sub", part.constant(1), edges[1])


def _found(part: GraphPart, inside: str, spans: list[tuple[str, str]]) -> str:
    area = part.node("ReduceMean", inside, axes=[2, 3], keepdims=1)
    enough = part.node("GreaterOrEqual", area, part.constant(rules.AREA_MIN))
    for first, last in spans:
        wide = part.node("GreaterOrEqual", part.node("Sub", last, first), part.constant(rules.SIDE_MIN))
        enough = part.node("And", enough, wide)
    return enough


def _with_margin(part: GraphPart, span: tuple[str, str], found: str) -> tuple[str, str]:
    first, last = span
    margin = part.node("Mul", part.node("Sub", last, first), part.constant(rules.MARGIN))
    nothing, all_of_it = part.constant(0), part.constant(1)
    before = part.node("Max", part.node("Sub", first, margin), nothing)
    after = part.node("Min", part.node("Add", last, margin), all_of_it)
    return part.node("Where", found, before, nothing), part.node("Where", found, after, all_of_it)


def _resampled(
    part: GraphPart, gray: str, sides: tuple[int, int], samples: tuple[int, int], edges: tuple[str, str, str, str]
) -> str:
    """frame.py, `framed`: [N, 1, H, W] -> [N, 1, *samples] between top, bottom, left and right."""
    top, bottom, left, right = edges
    rows = _resampling(part, sides[0], samples[0], top, bottom)
    columns = _resampling(part, sides[1], samples[1], left, right)
    low = part.node("MatMul", rows, gray)
    return part.node("MatMul", low, part.node("Transpose", columns, perm=[0, 1, 3, 2]))


def _resampling(part: GraphPart, side: int, samples: int, first: str, last: str) -> str:
    """frame.py, `resampling`: [N, 1, samples, side]."""
    step = part.node("Mul", part.node("Sub", last, first), part.constant(side / samples))
    places = part.constant((np.arange(samples) + 0.5).reshape(1, 1, samples, 1))
    start = part.node("Sub", part.node("Mul", first, part.constant(side)), part.constant(0.5))
    centres = part.node("Add", start, part.node("Mul", places, step))
    away = part.node("Abs", part.node("Sub", centres, part.constant(np.arange(side).reshape(1, 1, 1, side))))
    width = part.node("Max", step, part.constant(1))
    hat = part.node("Relu", part.node("Sub", part.constant(1), part.node("Div", away, width)))
    return part.node("Div", hat, part.node("ReduceSum", hat, part.constant([3], np.int64), keepdims=1))


def _add_paste(part: GraphPart, cam: str, rows: int, columns: int) -> str:
    """`cam` of the frame [N, findings, rows, columns] -> [N, findings, MAP_SIDE, MAP_SIDE], 0 outside the frame.

    What is inside weighs as much more as the frame is smaller than the film, and what the resampling changed of the
    mean is given back to all of the inside alike.
    """
    down, inside_rows = _back(part, rows, "edge_top", "edge_bottom")
    across, inside_columns = _back(part, columns, "edge_left", "edge_right")
    laid = part.node("MatMul", part.node("MatMul", down, cam), part.node("Transpose", across, perm=[0, 1, 3, 2]))
    beside = part.node("Reshape", inside_columns, part.constant([-1, 1, 1, MAP_SIDE], np.int64))
    inside = part.node("Mul", inside_rows, beside)
    share = part.node("ReduceMean", inside, axes=[2, 3], keepdims=1)
    scaled = part.node("Div", part.node("Mul", laid, inside), share)
    wanted = part.node("ReduceMean", cam, axes=[2, 3], keepdims=1)
    lost = part.node("Sub", wanted, part.node("ReduceMean", scaled, axes=[2, 3], keepdims=1))
    return part.node("Add", scaled, part.node("Mul", inside, part.node("Div", lost, share)))


def _back(part: GraphPart, cells: int, first: str, last: str) -> tuple[str, str]:
    """[N, 1, MAP_SIDE, cells], the weight of each cell of the frame in one of the film; [N, 1, MAP_SIDE, 1], 1 where
    that one is within the frame.

    A hat as wide as cells of the film are apart, at least 1, as in `_resampling`: no cell of a small frame is lost.
    """
    centres = part.constant(((np.arange(MAP_SIDE) + 0.5) / MAP_SIDE).reshape(1, 1, MAP_SIDE, 1))
    inside = part.node("And", part.node("Greater", centres, first), part.node("Less", centres, last))
    size = part.node("Sub", last, first)
    place = part.node("Mul", part.node("Div", part.node("Sub", centres, first), size), part.constant(cells))
    place = part.node("Sub", place, part.constant(0.5))
    place = part.node("Clip", place, part.constant(0), part.constant(cells - 1))
    away = part.node("Abs", part.node("Sub", place, part.constant(np.arange(cells).reshape(1, 1, 1, cells))))
    width = part.node("Max", part.node("Div", part.constant(cells / MAP_SIDE), size), part.constant(1))
    hat = part.node("Relu", part.node("Sub", part.constant(1), part.node("Div", away, width)))
    total = part.node("ReduceSum", hat, part.constant([3], np.int64), keepdims=1)
    return part.node("Div", hat, total), _as_number(part, inside)


def _as_number(part: GraphPart, truth: str) -> str:
    return part.node("Cast", truth, to=onnx.TensorProto.FLOAT)
