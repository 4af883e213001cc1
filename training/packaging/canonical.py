"""An ONNX graph in one canonical form: equal networks give equal bytes.

tf2onnx names inner values with a counter of the process and orders nodes by name, so that a second export of the same
network differs. Here nodes follow the way from the inputs to the outputs, and names are numbers in that order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import onnx


def canonical(model: onnx.ModelProto, outputs: Sequence[str] | None = None) -> onnx.ModelProto:
    """A copy of `model` whose inner names and whose order of everything are canonical.

    Inputs keep their names; outputs too, unless `outputs` names them anew in their order. What no output needs is gone.
    """
    result = onnx.ModelProto()
    result.CopyFrom(model)
    result.graph.name = "graph"  # tf2onnx takes that of the Keras model, which counts its copies
    for value, name in zip(result.graph.output, outputs or [one.name for one in model.graph.output], strict=True):
        value.name = name
    for part in ("node", "initializer", "value_info"):
        result.graph.ClearField(part)
    constants = {constant.name: constant for constant in model.graph.initializer}
    names = {value.name: value.name for value in model.graph.input}
    names |= {old.name: new.name for old, new in zip(model.graph.output, result.graph.output, strict=True)}
    for number, node in enumerate(_from_inputs_to_outputs(model.graph)):
        for place, needed in enumerate(node.input):
            if needed in constants and needed not in names:
                names[needed] = f"constant_{number}_{place}"
                result.graph.initializer.add().CopyFrom(constants[needed])
                result.graph.initializer[-1].name = names[needed]
        for place, made in enumerate(node.output):
            names.setdefault(made, f"value_{number}_{place}")
        copy = result.graph.node.add()
        copy.CopyFrom(node)
        copy.name = f"{node.op_type}_{number}"
        copy.input[:] = [names.get(needed, needed) for needed in node.input]
        copy.output[:] = [names[made] for made in node.output]
    used = {"", *(node.domain for node in result.graph.node)}
    for opset in [one for one in model.opset_import if one.domain not in used]:
        result.opset_import.remove(opset)
    return result


def cut(graph: onnx.ModelProto, outputs: Sequence[str]) -> onnx.ModelProto:
    """`graph` with these outputs only, and only what they need."""
    part = onnx.ModelProto()
    part.CopyFrom(graph)
    for value in [one for one in part.graph.output if one.name not in outputs]:
        part.graph.output.remove(value)
    return canonical(part)


def needed_by(graph: onnx.GraphProto, *names: str) -> set[str]:
    """Every value that `names` are made of, and `names`."""
    producer = {made: node for node in graph.node for made in node.output}
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += producer[name].input if name in producer else ()
    return found


def _from_inputs_to_outputs(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Every node that an output needs, each after the nodes it needs itself; the order does not depend on names."""
    producer = {made: node for node in graph.node for made in node.output}
    done: set[str] = set()
    waiting = [output.name for output in reversed(graph.output)]
    while waiting:
        node = producer.get(waiting[-1])
        if node is None or node.output[0] in done:
            waiting.pop()
            continue
        missing = [name for name in node.input if name in producer and producer[name].output[0] not in done]
        if missing:
            waiting.extend(reversed(missing))
            continue
        done.add(node.output[0])
        yield node
