"""From the scores of one image to a judgement: whether it is one for the model, and each finding by its threshold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from converter.declined import Declined
from converter.package.gate import refusal
from converter.package.manifest import Manifest
from converter.result.findings import Finding


def judge(manifest: Manifest, probability: NDArray[np.float32]) -> tuple[Finding, ...]:
    """The findings of one image in the manifest's order; positive means probability >= operating threshold.

    `probability` is [findings], or [1, findings] as a batch of one.
    """
    return tuple(
        Finding(spec.name, spec.concept, value, spec.operating_threshold, value >= spec.operating_threshold)
        for spec, value in zip(manifest.findings, np.ravel(probability).tolist(), strict=True)
    )


def refused_by_gate(manifest: Manifest, shares: NDArray[np.float32] | None) -> Declined | None:
    """Why the model's input gate refuses the image; None when it does not, or when there is no gate.

    `shares` is [kinds], or [1, kinds] as a batch of one.
    """
    if manifest.gate is None or shares is None:
        return None
    return refusal(manifest.gate, np.ravel(shares))
