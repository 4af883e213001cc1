"""What an exported graph says of some inputs, by ONNX Runtime on the CPU. No TensorFlow here."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray

Array = NDArray[np.float32]


class GraphScores(NamedTuple):
    """probability: [N, findings]; cam: [N, findings, h, w] or [N, h, w, findings], as the graph lays it out.

    gate: [N, kinds], where it was asked for.
    """

    probability: Array
    cam: Array
    gate: Array | None = None


def logits(cam: Array, layout: str) -> NDArray[np.float64]:
    """[N, findings]: the mean of each map, which is the logit that the graph made its probability of.

    Asking the probability for its logit instead fails where float32 has rounded it to 0 or 1.
    """
    return np.asarray(cam.mean(axis=(2, 3) if layout == "NCHW" else (1, 2), dtype=np.float64))


def reference_arrays(graph: bytes, inputs: Array) -> dict[str, Array]:
    """What reference.npz holds: `inputs`, and every output of the graph for them, under its name."""
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    outputs = session.run(names, {session.get_inputs()[0].name: inputs})
    return {"inputs": inputs, **dict(zip(names, outputs, strict=True))}


def score(graph: bytes, inputs: Array, batch: int = 64, gate: str | None = None) -> GraphScores:
    """`gate`: name of the graph's output for it (manifest.gate.output)."""
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    outputs = ["probability", "cam", *([gate] if gate else [])]
    parts = [session.run(outputs, {name: inputs[start : start + batch]}) for start in range(0, len(inputs), batch)]
    return GraphScores(*(np.concatenate(output) for output in zip(*parts, strict=True)))
