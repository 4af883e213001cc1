"""From scores to a judgement: whether the image is one for the model, and each finding by its operating point."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from converter.declined import Declined
from converter.package.gate import refusal
from converter.package.manifest import Manifest
from converter.result.findings import Finding
from scp_node.inference.scores import Scores


def judge(manifest: Manifest, probability: NDArray[np.float32]) -> tuple[Finding, ...]:
    """The findings of one image in the manifest's order; positive means probability >= operating threshold.

    `probability` is [findings], or [1, findings] as a batch of one.
    """
    return tuple(
        Finding(spec.name, spec.concept, value, spec.operating_threshold, value >= spec.operating_threshold)
        for spec, value in zip(manifest.findings, np.ravel(probability).tolist(), strict=True)
    )


def gate_refusal(manifest: Manifest, scores: Scores) -> Declined | None:
    """Why the model's input gate refuses the one image of `scores`; None when it does not, or when there is no gate."""
    if manifest.gate is None or scores.gate is None:
        return None
    return refusal(manifest.gate, scores.gate[0])
