"""Status cards: a picture that says in a viewer that no image of the study was analysed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydicom import Dataset

from converter.result.kinds.content import BuiltResult, StudyContent
from converter.result.source_attributes import stored_text
from converter.result.status_card import build_status_card
from converter.words.catalogue import words_in


def build(content: StudyContent, built: Mapping[str, Sequence[BuiltResult]]) -> list[BuiltResult]:
    """One card where every image was declined, none otherwise: the heat maps and the report say the rest."""
    if not content.images or any(image.findings for image in content.images):
        return []
    sources = [image.source for image in content.images]
    source = next((one for one in sources if stored_text(one, "PatientID")), sources[0])
    options = content.options
    card = build_status_card(
        source,
        content.not_analysed,
        content.identity,
        content.algorithm,
        options.charset,
        words_in(options.language),
    )
    return [BuiltResult(card)]


def told(built: Sequence[BuiltResult], sizes: Sequence[int]) -> str:
    return "no image was analysed" if built else "not needed"


def as_class(ds: Dataset, refused_class_uid: str) -> Dataset | None:
    return None
