"""The folder of a package, models/NAME/VERSION: its graph and its reference are written together with the manifest."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from converter.package.manifest import Manifest
from training.packaging.manifest_file import write_manifest
from training.packaging.scores import Array, reference_arrays

GRAPH, REFERENCE, MANIFEST = "model.onnx", "reference.npz", "manifest.yaml"
# What the package was judged by: figures.json, baselines.
REPORT = "report"


def read_graph(folder: Path, manifest: Manifest) -> bytes:
    """model.onnx; ends the program where it is not the file that `manifest` names."""
    graph = (folder / GRAPH).read_bytes()
    if hashlib.sha256(graph).hexdigest() != manifest.onnx_sha256:
        raise SystemExit(f"{folder / GRAPH} is not the file that manifest.yaml names")
    return graph


def read_reference_inputs(folder: Path) -> Array:
    with np.load(folder / REFERENCE, allow_pickle=False) as arrays:
        return np.asarray(arrays["inputs"], dtype=np.float32)


def write_package(folder: Path, manifest: Manifest, graph: bytes, inputs: Array, answers: bytes | None = None) -> None:
    """Write model.onnx, reference.npz and manifest.yaml.

    inputs: the reference inputs. answers: the graph whose outputs for them the reference holds, where `graph` cannot
    give them on this machine.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / GRAPH).write_bytes(graph)
    np.savez(folder / REFERENCE, allow_pickle=False, **reference_arrays(answers or graph, inputs))
    write_manifest(folder / MANIFEST, manifest)
