"""A package with the contract of another one and other weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

from converter.package.manifest import Manifest
from converter.package.precision import Precision
from training.packaging.manifest_file import name_and_version
from training.packaging.package_folder import read_learned, read_reference_inputs, write_package


def write_variant(
    folder: Path, out: Path, manifest: Manifest, graph: bytes, answers: bytes, evidence: Precision
) -> None:
    """The package `out`: the contract of `folder` with other weights; what was measured of those is left out.

    answers: the graph whose answers the reference holds: `graph` itself, or what stands for it on this machine.
    """
    name, version = name_and_version(out)
    changed = {
        "name": name,
        "version": version,
        "onnx_sha256": hashlib.sha256(graph).hexdigest(),
        "metrics": (),
        "jpeg2000_evidence": None,
        "input": manifest.input.model_copy(update={"jpeg2000_reduced": False}),
        "provenance": manifest.provenance.model_copy(update={"parity": None}),
        "precision": evidence,
    }
    variant = Manifest.model_validate(manifest.model_copy(update=changed).model_dump())
    write_package(out, variant, graph, read_reference_inputs(folder), answers, read_learned(folder, manifest))
