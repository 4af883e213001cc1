"""Whether an ONNX graph is what its manifest promises: names, types, shapes, the place of the findings in the map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from converter.package.lungs import SIDE_CELLS_MAX, SIDE_CELLS_MIN
from converter.package.manifest import Manifest
from converter.page.counted import counted


class Tensor(Protocol):
    """An input or output of a graph, as ONNX Runtime describes it; a dimension without a number is free."""

    @property
    def name(self) -> str: ...

    @property
    def type(self) -> str: ...

    @property
    def shape(self) -> Sequence[int | str | None]: ...


def graph_problems(manifest: Manifest, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[str]:
    """Every disagreement as a sentence; empty when the graph is what the manifest says."""
    spec, findings = manifest.input, len(manifest.findings)
    sides = (1, spec.height, spec.width) if spec.layout == "NCHW" else (spec.height, spec.width, 1)
    problems = []
    if len(inputs) != 1:
        problems.append(f"the graph has {len(inputs)} inputs, not one")
    problems += _tensor_problems("input", spec.name, (None, *sides), inputs)
    problems += _tensor_problems("output", manifest.outputs.probability, (None, findings), outputs)
    problems += _tensor_problems("output", manifest.outputs.cam, (None, None, None, None), outputs)
    if manifest.gate:
        problems += _tensor_problems("output", manifest.gate.output, (None, len(manifest.gate.kinds)), outputs)
    if manifest.lungs:
        problems += _outline_problems(manifest.lungs.output, outputs)
    if not problems and findings_axis(manifest, outputs) is None:
        shape = _described(_named(manifest.outputs.cam, outputs).shape)
        problems.append(f"output '{manifest.outputs.cam}' is {shape}: no axis for {counted(findings, 'finding')}")
    return problems


def findings_axis(manifest: Manifest, outputs: Sequence[Tensor]) -> int | None:
    """Axis of the findings in the map: 1 or 3. Where the shape allows both, the layout of the input decides."""
    shape = _named(manifest.outputs.cam, outputs).shape
    axes = [axis for axis in (1, 3) if shape[axis] == len(manifest.findings)]
    preferred = 1 if manifest.input.layout == "NCHW" else 3
    return preferred if preferred in axes else axes[0] if axes else None


def _outline_problems(name: str, outputs: Sequence[Tensor]) -> list[str]:
    """The outline of the lungs has one channel, and sides that are known before a film comes."""
    problems = _tensor_problems("output", name, (None, 1, None, None), outputs)
    if problems:
        return problems
    shape = _named(name, outputs).shape
    if all(isinstance(side, int) and SIDE_CELLS_MIN <= side <= SIDE_CELLS_MAX for side in shape[2:]):
        return []
    return [f"output '{name}' is {_described(shape)}: each side needs {SIDE_CELLS_MIN} to {SIDE_CELLS_MAX} cells"]


def _tensor_problems(kind: str, name: str, wanted: tuple[int | None, ...], tensors: Sequence[Tensor]) -> list[str]:
    if not any(tensor.name == name for tensor in tensors):
        known = ", ".join(f"'{tensor.name}'" for tensor in tensors) or "none"
        return [f"the graph has no {kind} '{name}' (it has {known})"]
    tensor, problems = _named(name, tensors), []
    if tensor.type != "tensor(float)":
        problems.append(f"{kind} '{name}' is {tensor.type}, not tensor(float)")
    fits = len(tensor.shape) == len(wanted) and all(
        side is None or not isinstance(found, int) or found == side
        for side, found in zip(wanted, tensor.shape, strict=True)
    )
    if not fits:
        problems.append(f"{kind} '{name}' is {_described(tensor.shape)}, the manifest says {_described(wanted)}")
    elif isinstance(tensor.shape[0], int):
        problems.append(f"{kind} '{name}' is made for batches of {tensor.shape[0]} only")
    return problems


def _named(name: str, tensors: Sequence[Tensor]) -> Tensor:
    return next(tensor for tensor in tensors if tensor.name == name)


def _described(shape: Sequence[int | str | None]) -> str:
    return "[" + ", ".join(str(side) if isinstance(side, int) else "any" for side in shape) + "]"
