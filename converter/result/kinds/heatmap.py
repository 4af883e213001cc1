"""Heat maps: a Secondary Capture of each analysed image that the site wants one of, for its most prominent finding."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydicom import Dataset

from converter.image.header import whole_number
from converter.page.counted import counted
from converter.result.findings import Finding, HeatmapInput
from converter.result.kinds.content import BuiltResult, ReportedImage, StudyContent
from converter.result.secondary_capture import build_heatmap
from converter.result.series_numbers import film_numbers
from converter.result.source_attributes import stored_text
from converter.words.catalogue import words_in

NAME = "heatmap"
# A heat map has no more bytes than its film has, but is at least so large that its words can be read.
SIDE_LEAST, BYTES_A_PIXEL = 1024, 3


def build(content: StudyContent, built: Mapping[str, Sequence[BuiltResult]]) -> list[BuiltResult]:
    """The heat map of each image that has one: that of an earlier report, or a new one.

    It bears the patient of its own image. One without Patient ID among others that have it gets none: an archive would
    file its map under nobody.
    """
    found = []
    has_id = {image.sop_instance_uid: bool(stored_text(image.source, "PatientID")) for image in content.images}
    numbers = film_numbers(image.sop_instance_uid for image in content.images)
    for image in content.images:
        if image.cam is None or not image.findings or has_id[image.sop_instance_uid] != any(has_id.values()):
            continue
        position = prominent(image.findings)
        if content.options.heatmap_for == "positive" and not image.findings[position].positive:
            continue
        number = numbers[image.sop_instance_uid]
        ds = content.earlier(NAME, image.sop_instance_uid) or _drawn(content, image, position, number)
        found.append(BuiltResult(ds, image.sop_instance_uid))
    return found


def told(built: Sequence[BuiltResult], sizes: Sequence[int]) -> str:
    return counted(len(built), "heat map")


def as_class(ds: Dataset, refused_class_uid: str) -> Dataset | None:
    return None


def prominent(findings: Sequence[Finding]) -> int:
    """Place of the finding that a heat map is drawn for: a positive one comes before any negative one."""
    return max(range(len(findings)), key=lambda place: (findings[place].positive, findings[place].probability))


def _drawn(content: StudyContent, image: ReportedImage, position: int, number: int) -> Dataset:
    """Its identity depends on the version of its image, not on the report's revision: a later report refers to what
    the archive has."""
    assert image.cam is not None
    say = words_in(content.options.language)
    rendering, identity, finding = content.rendering(image), content.identity, image.findings[position]
    created_at = identity.created_at
    if image.judged_at is not None:
        created_at = image.judged_at.replace(microsecond=0).astimezone()
    return build_heatmap(
        HeatmapInput(
            image.analysed,
            finding,
            rendering.preview,
            rendering.preview_to_source,
            image.cam[position] if finding.positive else None,
            image.lungs,
            number,
            content.not_analysed(say),
            say,
        ),
        replace(identity, revision=image.version, created_at=created_at),
        content.algorithm,
        side_max(content, image.source),
        content.options.charset,
    )


def side_max(content: StudyContent, source: Dataset) -> int:
    """The longest side that the site allows, less where the picture would have more bytes than the film."""
    rows, columns = whole_number(source, "Rows") or 0, whole_number(source, "Columns") or 0
    film_bytes = rows * columns * math.ceil((whole_number(source, "BitsAllocated") or 16) / 8)
    if not film_bytes:
        return content.options.heatmap_side_max
    # a picture is at most as much longer than wide as its film, or square
    aspect = max(rows, columns) / min(rows, columns)
    side = math.isqrt(int(film_bytes / BYTES_A_PIXEL * aspect))
    return min(content.options.heatmap_side_max, max(SIDE_LEAST, side))
