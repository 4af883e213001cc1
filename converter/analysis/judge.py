"""From scores to a judgement: whether the image is one for the model, and each finding by its operating point."""

from __future__ import annotations

from converter.analysis.scores import ImageScores
from converter.declined import Declined
from converter.image.convert import Converted
from converter.package.gate import refusal
from converter.package.manifest import Manifest
from converter.result.findings import Finding
from converter.result.regions import attention_region


def judged(manifest: Manifest, scores: ImageScores, converted: Converted) -> tuple[Finding, ...]:
    """The findings of one image in the manifest's order; positive means probability >= operating threshold. A positive
    finding gets the region of the source frame in which its map is high."""
    findings = []
    for spec, probability, cam in zip(manifest.findings, scores.probability.tolist(), scores.cam, strict=True):
        region = None
        if probability >= spec.operating_threshold:
            shape = converted.preview.shape
            region = attention_region(cam, shape, converted.preview_to_source, converted.source_shape)
        findings.append(
            Finding(
                spec.name,
                spec.concept,
                probability,
                spec.operating_threshold,
                positive=probability >= spec.operating_threshold,
                region=region,
            )
        )
    return tuple(findings)


def refused_by_gate(manifest: Manifest, scores: ImageScores) -> Declined | None:
    """Why the model's input gate refuses the image; None when it does not, or when there is no gate."""
    if manifest.gate is None or scores.gate is None:
        return None
    return refusal(manifest.gate, scores.gate)
