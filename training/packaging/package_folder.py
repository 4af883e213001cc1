"""The folder of a package, models/NAME/VERSION: its graph and its reference are written together with the manifest."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from converter.package.learned_films import FILE as LEARNED
from converter.package.learned_films import unpacked
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


def read_learned(folder: Path, manifest: Manifest) -> bytes | None:
    """learned.bin; None where the package has none. Ends the program where it is not the file that `manifest` means."""
    if manifest.learned_films is None:
        return None
    try:
        content = (folder / LEARNED).read_bytes()
        unpacked(content, manifest.learned_films)
    except (OSError, ValueError) as error:
        raise SystemExit(f"{folder / LEARNED}: {error}") from error
    return content


def write_package(
    folder: Path,
    manifest: Manifest,
    graph: bytes,
    inputs: Array,
    answers: bytes | None = None,
    learned: bytes | None = None,
) -> None:
    """Write model.onnx, reference.npz, learned.bin (where there is one) and manifest.yaml.

    inputs: the reference inputs. answers: the graph whose outputs for them the reference holds, where `graph` cannot
    give them on this machine.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / GRAPH).write_bytes(graph)
    np.savez(folder / REFERENCE, allow_pickle=False, **reference_arrays(answers or graph, inputs))
    if learned is not None:
        (folder / LEARNED).write_bytes(learned)
    write_manifest(folder / MANIFEST, manifest)
