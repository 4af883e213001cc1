"""Heat maps: a Secondary Capture of each analysed image, for its most prominent finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydicom import Dataset

from converter.page.counted import counted
from converter.result.findings import Finding, HeatmapInput
from converter.result.kinds.content import BuiltResult, ReportedImage, StudyContent
from converter.result.secondary_capture import build_heatmap
from converter.result.source_attributes import stored_text

NAME = "heatmap"


def build(content: StudyContent, built: Mapping[str, Sequence[BuiltResult]]) -> list[BuiltResult]:
    """The heat map of each image that has one: that of an earlier report, or a new one.

    It bears the patient of its own image. One without Patient ID among others that have it gets none: an archive would
    file its map under nobody.
    """
    found = []
    has_id = {image.sop_instance_uid: bool(stored_text(image.source, "PatientID")) for image in content.images}
    for image in content.images:
        if image.cam is None or not image.findings or has_id[image.sop_instance_uid] != any(has_id.values()):
            continue
        position = prominent(image.findings)
        if content.options.heatmap_for == "positive" and not image.findings[position].positive:
            continue
        ds = content.earlier(NAME, image.sop_instance_uid)
        found.append(BuiltResult(ds or _drawn(content, image, position), image.sop_instance_uid))
    return found


def told(built: Sequence[BuiltResult], sizes: Sequence[int]) -> str:
    return counted(len(built), "heat map")


def as_class(ds: Dataset, refused_class_uid: str) -> Dataset | None:
    return None


def prominent(findings: Sequence[Finding]) -> int:
    """Place of the finding that a heat map is drawn for: a positive one comes before any negative one."""
    return max(range(len(findings)), key=lambda place: (findings[place].positive, findings[place].probability))


def _drawn(content: StudyContent, image: ReportedImage, position: int) -> Dataset:
    """Its identity depends on the version of its image, not on the report's revision: a later report refers to what
    the archive has."""
    assert image.cam is not None
    rendering, identity = content.rendering(image), content.identity
    created_at = identity.created_at
    if image.judged_at is not None:
        created_at = image.judged_at.replace(microsecond=0).astimezone()
    return build_heatmap(
        HeatmapInput(
            image.analysed,
            image.findings[position],
            rendering.preview,
            rendering.preview_to_source,
            image.cam[position],
        ),
        replace(identity, revision=image.version, created_at=created_at),
        content.algorithm,
        content.options.heatmap_side_max,
        content.options.charset,
    )
