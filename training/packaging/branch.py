"""A part of a package's graph by itself: an outline or a gate, fitted apart from the findings, taken out again."""

from __future__ import annotations

from collections.abc import Sequence

import onnx

from converter.package.network import InputSpec
from training.packaging.canonical import canonical, needed_by
from training.packaging.hygiene import serialised


def branch_of(graph: bytes, output: str, entry: InputSpec, shape: Sequence[int]) -> bytes:
    """The graph that makes `output` ([N, *shape]) of an input like `entry` (NCHW), as it was before it was added.

    Raises ValueError where there is no such part.
    """
    whole = onnx.shape_inference.infer_shapes(onnx.load_model_from_string(graph))
    made_of = needed_by(whole.graph, output)
    shapes = {one.name: [side.dim_value for side in one.type.tensor_type.shape.dim] for one in whole.graph.value_info}
    wanted = [1, entry.height, entry.width]
    nodes = [node for node in whole.graph.node if node.output[0] in made_of]
    taken = [node.output[0] for node in nodes if shapes.get(node.output[0], [])[1:] == wanted]
    if not taken:
        raise ValueError(f"nothing in the graph is what {output} is made of")
    before = needed_by(whole.graph, taken[-1])  # the last one is what the part begins with
    part = onnx.ModelProto()
    part.CopyFrom(whole)
    for field in ("node", "input", "output", "value_info"):
        part.graph.ClearField(field)
    part.graph.input.append(float_value(entry.name, *wanted))
    part.graph.output.append(float_value(output, *shape))
    for node in nodes:
        if node.output[0] not in before:
            kept = part.graph.node.add()
            kept.CopyFrom(node)
            kept.input[:] = [entry.name if name == taken[-1] else name for name in node.input]
    return serialised(canonical(part, [output]), [output])


def float_value(name: str, *shape: int) -> onnx.ValueInfoProto:
    """A value of any number of images: [N, *shape]."""
    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["N", *shape])
