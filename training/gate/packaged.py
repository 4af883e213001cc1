"""A package with a gate: another package's graph with the fitted gate as its third output, nothing else changed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnxruntime
import yaml

from converter.package.gate import Gate
from converter.package.manifest import Manifest, load_manifest
from converter.package.network import InputSpec
from training.gate.attach import add_gate
from training.gate.spec import GRAPH_INPUT
from training.packaging.branch import branch_of
from training.packaging.package_folder import read_learned, read_reference_inputs, write_package

# The nodes that made the findings are the same ones; only the order in which a runtime adds may differ.
DIFFERENCE_MAX = 1e-6
# What a fit leaves in its folder.
GRAPH, SPEC = "gate.onnx", "gate.yaml"


def gated(graph: bytes, spec: InputSpec, run: Path) -> tuple[bytes, Gate]:
    """`graph` with the gate of `run`, and what the manifest says of it."""
    branch, gate = load(run)
    return add_gate(graph, spec, branch, GRAPH_INPUT), gate


def gate_package(source: Path, run: Path, target: Path) -> Manifest:
    """Write `target` (models/NAME/VERSION) from the package in `source` and the gate in `run`.

    Raises RuntimeError when a finding of the reference inputs moved by more than DIFFERENCE_MAX.
    """
    old = load_manifest(source / "manifest.yaml")
    graph, gate = gated((source / "model.onnx").read_bytes(), old.input, run)
    inputs = read_reference_inputs(source)
    check_unchanged((source / "model.onnx").read_bytes(), graph, old, inputs)
    changed = {
        "name": target.parent.name,
        "version": target.name,
        "onnx_sha256": hashlib.sha256(graph).hexdigest(),
        "gate": gate.model_dump(mode="json"),
        "jpeg2000_evidence": None,  # it is bound to the hash of the graph it was measured with
    }
    document = {**old.model_dump(mode="json"), **changed}
    document["input"]["jpeg2000_reduced"] = False
    if old.distribution is not None:
        document["distribution"]["declined_share"] = None  # it was counted without this gate
    manifest = Manifest.model_validate(document)
    write_package(target, manifest, graph, inputs, learned=read_learned(source, old))
    return manifest


def check_unchanged(before: bytes, after: bytes, manifest: Manifest, inputs: np.ndarray) -> None:
    names = [manifest.outputs.probability, manifest.outputs.cam]
    old, new = (
        onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"]).run(
            names, {manifest.input.name: inputs}
        )
        for graph in (before, after)
    )
    moved = max(float(np.abs(one - other).max()) for one, other in zip(old, new, strict=True))
    if not moved <= DIFFERENCE_MAX:
        raise RuntimeError(f"with the gate the findings moved by {moved:.1e}, more than {DIFFERENCE_MAX:.0e}")


def write_run(folder: Path, graph: bytes, gate: Gate) -> None:
    """A folder as `gate fit` leaves it, with the gate out of the graph of a package. Raises ValueError where there is
    none. Its figures stay with that package."""
    folder.mkdir(parents=True)
    (folder / GRAPH).write_bytes(branch_of(graph, gate.output, GRAPH_INPUT, (len(gate.kinds),)))
    told = gate.model_copy(update={"measured": ()}).model_dump(mode="json")
    text = yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=120)
    (folder / SPEC).write_text(text, encoding="utf-8")


def load(folder: Path) -> tuple[bytes, Gate]:
    """The graph of a fitted gate, and what a manifest says of it."""
    try:
        spec = yaml.safe_load((folder / SPEC).read_text(encoding="utf-8"))
        return (folder / GRAPH).read_bytes(), Gate.model_validate(spec)
    except OSError as error:
        raise SystemExit(f"{folder} holds no fitted gate ({error}): run python -m training gate fit") from error
