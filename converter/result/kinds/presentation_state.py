"""Presentation states: outlines and verdict over each analysed film with a finding that is present and has a place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydicom import Dataset

from converter.page.counted import counted
from converter.result.kinds.content import BuiltResult, ReportedImage, StudyContent
from converter.result.presentation_state import build_presentation_state, has_outlines
from converter.result.series_numbers import film_numbers
from converter.result.source_attributes import stored_text
from converter.words.catalogue import words_in

NAME = "gsps"


def build(content: StudyContent, built: Mapping[str, Sequence[BuiltResult]]) -> list[BuiltResult]:
    """One a film. It bears the patient of its own film, as a heat map does: one without Patient ID among others that
    have it gets none."""
    found = []
    has_id = {image.sop_instance_uid: bool(stored_text(image.source, "PatientID")) for image in content.images}
    numbers = film_numbers(image.sop_instance_uid for image in content.images)
    for image in content.images:
        if not has_outlines(image.analysed) or has_id[image.sop_instance_uid] != any(has_id.values()):
            continue
        number = numbers[image.sop_instance_uid]
        ds = content.earlier(NAME, image.sop_instance_uid) or _made(content, image, number)
        if ds is not None:
            found.append(BuiltResult(ds, image.sop_instance_uid))
    return found


def told(built: Sequence[BuiltResult], sizes: Sequence[int]) -> str:
    return counted(len(built), "presentation state")


def as_class(ds: Dataset, refused_class_uid: str) -> Dataset | None:
    return None


def _made(content: StudyContent, image: ReportedImage, number: int) -> Dataset | None:
    """Its identity depends on the version of its film, not on the report's revision."""
    identity = content.identity
    created_at = identity.created_at
    if image.judged_at is not None:
        created_at = image.judged_at.replace(microsecond=0).astimezone()
    return build_presentation_state(
        image.analysed,
        number,
        replace(identity, revision=image.version, created_at=created_at),
        content.algorithm,
        content.options.charset,
        words_in(content.options.language),
    )
