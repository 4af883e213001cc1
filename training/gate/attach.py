"""Adds a fitted gate to an exported graph as a third output. What the graph gave before it gives unchanged.

The gate takes the graph's own input: averaged down to 64 x 64, standardised on its centre as
converter.image.model_input does, so that it fits a network of any input size and either normalisation.
"""

from __future__ import annotations

import onnx

from converter.package.network import InputSpec
from training.packaging.canonical import canonical
from training.packaging.graph_parts import GraphPart, add_front
from training.packaging.hygiene import problems

OUTPUT = "gate"


def add_gate(graph: bytes, spec: InputSpec, gate: bytes, gate_spec: InputSpec) -> bytes:
    """`graph` (probability, cam) with the output `gate` of the graph `gate` (input [N, 1, h, w] of `gate_spec`).

    Raises RuntimeError when what comes out is no graph for serving.
    """
    whole, branch = onnx.load_model_from_string(graph), onnx.load_model_from_string(gate)
    names = [value.name for value in whole.graph.output]
    if OUTPUT in names:
        raise RuntimeError("the graph has an input gate already")
    prefixed = onnx.compose.add_prefix(branch, "gate/")
    front = GraphPart("front")
    add_front(front, spec.name, spec, gate_spec, prefixed.graph.input[0].name)
    front.add_to(whole.graph)
    whole.graph.node.extend(prefixed.graph.node)
    whole.graph.initializer.extend(prefixed.graph.initializer)
    whole.graph.output.extend(prefixed.graph.output)
    merged = canonical(whole, [*names, OUTPUT])
    onnx.checker.check_model(merged, full_check=True)
    found = problems(merged, [*names, OUTPUT])
    if found:
        raise RuntimeError(f"not a graph for serving: {'; '.join(found)}")
    return bytes(merged.SerializeToString(deterministic=True))
