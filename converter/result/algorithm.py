"""The model package as the results name it (PS3.16 TID 4019)."""

from __future__ import annotations

from converter.package.finding import FindingSpec
from converter.package.manifest import Manifest
from converter.result.findings import Algorithm

# What packages say behind the cohort: the graph that a node runs has its calibration in it.
_FOLDED = "; already folded into the graph"


def algorithm_of(manifest: Manifest) -> Algorithm:
    """Name, version, weights, calibration and preprocessing of a package, in the words of the results."""
    use, spec = manifest.intended_use, manifest.input
    return Algorithm(
        name=manifest.title,
        version=manifest.version,
        weights_sha256=manifest.onnx_sha256,
        manufacturer=manifest.manufacturer,
        calibration="; ".join(sorted({calibration_in_words(found) for found in manifest.findings})),
        preprocessing=f"area average to {spec.width} x {spec.height}, {spec.normalisation.name}",
        intended_use=use.statement,
    )


def calibration_in_words(found: FindingSpec) -> str:
    """How the network's answer became a probability, and on what that was chosen."""
    calibration = found.calibration
    chosen_on = calibration.fitted_on.removesuffix(_FOLDED)
    if calibration.method == "none":
        return f"{found.name}: none, the network's own probabilities, as chosen on {chosen_on}"
    return f"{found.name}: {calibration.summary}, within the network, fitted on {chosen_on}"
