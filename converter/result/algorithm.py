"""The model package as the results name it (PS3.16 TID 4019)."""

from __future__ import annotations

from converter.package.manifest import Manifest
from converter.result.findings import Algorithm


def algorithm_of(manifest: Manifest) -> Algorithm:
    """Name, version, weights, calibration and preprocessing of a package, in the words of the results."""
    use, spec = manifest.intended_use, manifest.input
    calibrations = {
        f"{found.name}: {found.calibration.summary}, fitted on {found.calibration.fitted_on}"
        for found in manifest.findings
    }
    return Algorithm(
        name=manifest.title,
        version=manifest.version,
        weights_sha256=manifest.onnx_sha256,
        manufacturer=manifest.manufacturer,
        calibration="; ".join(sorted(calibrations)),
        preprocessing=f"area average to {spec.width} x {spec.height}, {spec.normalisation.name}",
        intended_use=use.statement,
    )
