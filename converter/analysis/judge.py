"""From scores to a judgement: whether the image is one for the model, and each finding by its operating point."""

from __future__ import annotations

from converter.analysis import lungs
from converter.analysis.scores import ImageScores
from converter.declined import Declined
from converter.image.convert import Converted
from converter.package import gate
from converter.package.lungs import Outline, inside
from converter.package.manifest import Manifest
from converter.result.findings import Finding, Point
from converter.result.place import Place
from converter.result.placing import place_of
from converter.result.regions import attention_region, whole_frame


def judged(
    manifest: Manifest, scores: ImageScores, converted: Converted, outline: Outline | None = None
) -> tuple[Finding, ...]:
    """The findings of one image in the manifest's order; positive means probability >= operating threshold. A positive
    finding gets the region of the source frame in which its map is high, and by `outline`, the lungs that were found,
    its place in them."""
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
                place=None if region is None or outline is None else _place(region, outline, converted),
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


def _place(region: tuple[Point, ...], outline: Outline, converted: Converted) -> Place | None:
    """None too where the map has no spot, so that the whole frame stands for it."""
    if region == whole_frame(converted.source_shape):
        return None
    return place_of(region, inside(outline), converted.preview.shape, converted.preview_to_source)
