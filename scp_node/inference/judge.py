"""From probabilities to findings: each is compared with its operating point."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from converter.manifest import Manifest
from converter.result.findings import Finding


def judge(manifest: Manifest, probability: NDArray[np.float32]) -> tuple[Finding, ...]:
    """The findings of one image in the manifest's order; positive means probability >= operating threshold.

    `probability` is [findings], or [1, findings] as a batch of one.
    """
    return tuple(
        Finding(spec.name, spec.concept, value, spec.operating_threshold, value >= spec.operating_threshold)
        for spec, value in zip(manifest.findings, np.ravel(probability).tolist(), strict=True)
    )
