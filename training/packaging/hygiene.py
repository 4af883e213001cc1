"""Whether an ONNX graph is one for serving: any batch, nothing of training in it, no needless change of layout."""

from __future__ import annotations

from collections.abc import Sequence

import onnx

OPSET = 17
TRANSPOSES_MAX = 4
RANDOM = {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}
CONTROL = {"If", "Loop", "Scan"}
DOMAINS = {"", "ai.onnx"}


def problems(model: onnx.ModelProto, outputs: Sequence[str], inputs_wanted: int = 1) -> list[str]:
    """Everything that is wrong with `model`, as sentences; empty when it may serve.

    outputs: the names that it should have, in this order.
    """
    graph = model.graph
    opsets = [one.version for one in model.opset_import if one.domain in DOMAINS]
    found = [] if opsets == [OPSET] else [f"opset {', '.join(map(str, opsets))} instead of {OPSET}"]
    transposes = sum(node.op_type == "Transpose" for node in graph.node)
    if transposes > TRANSPOSES_MAX:
        found.append(f"{transposes} Transpose nodes, at most {TRANSPOSES_MAX}: tf2onnx did not optimise, see its log")
    for node in graph.node:
        if node.domain not in DOMAINS:
            found.append(f"{node.name} is of the domain '{node.domain}'")
        if node.op_type in RANDOM | CONTROL or node.op_type == "Dropout" or _trains(node):
            found.append(f"{node.name} belongs to training, not to serving")
    initialized = {constant.name for constant in graph.initializer}
    inputs = [value for value in graph.input if value.name not in initialized]
    if len(inputs) != inputs_wanted:
        found.append(f"{len(inputs)} inputs, not {inputs_wanted}")
    names = [value.name for value in graph.output]
    if names != list(outputs):
        found.append(f"outputs {', '.join(names)} instead of {', '.join(outputs)}")
    for value in (*inputs, *graph.output):
        tensor = value.type.tensor_type
        if tensor.elem_type != onnx.TensorProto.FLOAT:
            found.append(f"{value.name} is no float32")
        if not tensor.shape.dim or tensor.shape.dim[0].dim_param != "N":
            found.append(f"{value.name} is made for one size of batch")
    if any(constant.data_location == onnx.TensorProto.EXTERNAL for constant in graph.initializer):
        found.append("weights lie in a file of their own")
    return found


def serialised(graph: onnx.ModelProto, outputs: Sequence[str], inputs_wanted: int = 1) -> bytes:
    """The bytes of a graph that may serve; raises RuntimeError for any other."""
    onnx.checker.check_model(graph, full_check=True)
    found = problems(graph, outputs, inputs_wanted)
    if found:
        raise RuntimeError(f"not a graph for serving: {'; '.join(found)}")
    return bytes(graph.SerializeToString(deterministic=True))


def before_the_head(model: onnx.ModelProto, cam: str = "cam") -> list[str]:
    """The names of the nodes that make the features: all that the last convolution before the map needs."""
    producer = {made: node for node in model.graph.node for made in node.output}
    head = producer[cam]
    while head.op_type != "Conv":
        head = next(producer[name] for name in head.input if name in producer)
    found: dict[str, None] = {}
    waiting = [name for name in head.input if name in producer]
    while waiting:
        node = producer[waiting.pop()]
        if node.name not in found:
            found[node.name] = None
            waiting += [name for name in node.input if name in producer]
    return list(found)


def _trains(node: onnx.NodeProto) -> bool:
    """A batch normalisation that still learns."""
    learning = any(attribute.name == "training_mode" and attribute.i for attribute in node.attribute)
    return node.op_type == "BatchNormalization" and (learning or len(node.output) > 1)
