"""From scores to a judgement: whether the image is one for the model, and each finding by its operating point."""

from __future__ import annotations

from converter.analysis import lungs
from converter.analysis.scores import ImageScores
from converter.declined import Declined
from converter.image.convert import Converted
from converter.package import gate
from converter.package.lungs import Outline
from converter.package.manifest import Manifest
from converter.result.findings import Finding, Region
from converter.result.regions import Field, regions_of
from converter.result.unplaced import NO_LUNGS


def judged(
    manifest: Manifest,
    scores: ImageScores,
    converted: Converted,
    outline: Outline | None = None,
    are_lungs_whole: bool = True,
) -> tuple[Finding, ...]:
    """The findings of one image in the manifest's order; positive means probability >= operating threshold. A positive
    finding gets the regions of the source frame in which its map is high, or why there is none; by `outline`, the lungs
    that were found, they lie in the lungs, and have a place there where the lungs are whole."""
    findings = []
    for spec, probability, cam in zip(manifest.findings, scores.probability.tolist(), scores.cam, strict=True):
        is_positive = probability >= spec.operating_threshold
        full_scale = None if spec.map_scale is None else spec.map_scale.full
        regions: tuple[Region, ...] = ()
        unplaced = ""
        if is_positive and manifest.lungs is not None and outline is None:
            unplaced = NO_LUNGS
        elif is_positive:
            field = Field(converted.preview.shape, converted.preview_to_source, converted.source_shape)
            regions, unplaced = regions_of(cam, full_scale, field, outline, are_lungs_whole)
        findings.append(
            Finding(
                spec.name,
                spec.concept,
                probability,
                spec.operating_threshold,
                is_positive,
                regions,
                unplaced,
                full_scale,
            )
        )
    return tuple(findings)


def refused_by_gate(manifest: Manifest, scores: ImageScores) -> Declined | None:
    """Why the model's input gate refuses the image; None when it does not, or when there is no gate."""
    if manifest.gate is None or scores.gate is None:
        return None
    return gate.refusal(manifest.gate, scores.gate)


def refused_by_lungs(manifest: Manifest, outline: Outline) -> Declined | None:
    """Why a film with these lungs is not one to analyse; None where it has the whole of them."""
    return None if manifest.lungs is None else lungs.refusal(manifest.lungs, outline)


def found_lungs(manifest: Manifest, scores: ImageScores) -> Outline | None:
    """The outline of the lungs, where the model outlines them and there are some."""
    if manifest.lungs is None or scores.lungs is None or not lungs.are_found(manifest.lungs, scores.lungs):
        return None
    return scores.lungs
