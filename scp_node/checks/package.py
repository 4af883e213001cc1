"""Whether a model package is whole and gives the scores that it was published with on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scp_node.inference.packages import open_package, read_learned, read_reference, tolerance, verify_package
from scp_node.inference.session import InferenceSession
from scp_node.settings import Inference


@dataclass(frozen=True)
class PackageCheck:
    """One check that a package has passed, with what was seen."""

    name: str
    detail: str


def check_package(folder: Path, settings: Inference) -> Iterator[PackageCheck]:
    """Every check in order, as soon as it has passed; raises ModelUnusable at the first that fails."""
    package = open_package(folder)
    manifest = package.manifest
    yield PackageCheck("manifest", f"{len(manifest.findings)} finding(s), {package.pin}")
    weights = package.read_weights()
    yield PackageCheck("weights", f"SHA-256 {manifest.onnx_sha256[:16]}..., {len(weights) / 1e6:.2f} MB")
    limits = settings.load_timeout_s, settings.run_timeout_s
    session = InferenceSession(package, settings.providers, settings.threads, settings.gpu_required, *limits)
    spec, outputs = manifest.input, manifest.outputs
    shape = f"{spec.name} {spec.layout} {spec.height} x {spec.width}"
    further = [section.output for section in (manifest.gate, manifest.lungs) if section is not None]
    names = [outputs.probability, outputs.cam, *further]
    yield PackageCheck("graph", f"{shape} -> {', '.join(names)}")
    difference, count = verify_package(package, session), len(read_reference(package).inputs)
    seen = f"{count} inputs on {session.provider}, difference {difference:.1e} (at most {tolerance(manifest):g})"
    yield PackageCheck("reference", seen)
    learned = read_learned(package)
    if learned is not None:
        yield PackageCheck("films", f"digests of {len(learned)} films that it was made from")
