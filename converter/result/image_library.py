"""TID 1600 Image Library: the images a report speaks of, described by what their headers have."""

from __future__ import annotations

from collections.abc import Iterable

from highdicom.sr import (
    CodeContentItem,
    ContentItem,
    ContentSequence,
    ImageContentItem,
    NumContentItem,
    RelationshipTypeValues,
    TextContentItem,
)
from pydicom import Dataset
from pydicom.sr.coding import Code

from converter.image.header import numbers, whole_number, word, words
from converter.result import coding
from converter.result.template import Elements, Make, Value, Values, number_text
from converter.result.wording import plain

ACQUISITION_CONTEXT = RelationshipTypeValues.HAS_ACQ_CONTEXT
CONTAINS = RelationshipTypeValues.CONTAINS

_NUMBERS = {
    "rows": (coding.PIXEL_DATA_ROWS, coding.PIXELS),
    "columns": (coding.PIXEL_DATA_COLUMNS, coding.PIXELS),
    "vertical_spacing": (coding.VERTICAL_PIXEL_SPACING, coding.MILLIMETER),
    "horizontal_spacing": (coding.HORIZONTAL_PIXEL_SPACING, coding.MILLIMETER),
}
_ORIENTATIONS = {
    "row_orientation": coding.PATIENT_ORIENTATION_ROW,
    "column_orientation": coding.PATIENT_ORIENTATION_COLUMN,
}
# What is read from a header for its entry.
DESCRIBED = ("Modality", "Rows", "Columns", "PatientOrientation", "ImagerPixelSpacing", "PixelSpacing")


def library_entries(sources: Iterable[Dataset], make: Make) -> list[Elements]:
    """One entry per image; an attribute that a header lacks is left out, never invented."""
    return [make(library_entry, _modality(source), _values(source)) for source in sources]


def library_entry(modality: str, values: Values) -> ImageContentItem:
    """TID 1602 Image Library Entry Descriptors with TID 1603 for projection radiography."""
    entry = ImageContentItem(
        name=coding.SOURCE,
        referenced_sop_class_uid=values["class_uid"],
        referenced_sop_instance_uid=values["instance_uid"],
        relationship_type=CONTAINS,
    )
    items: list[ContentItem] = []
    code = coding.modality_code(modality)
    if code is not None:
        items.append(CodeContentItem(name=coding.MODALITY, value=code, relationship_type=ACQUISITION_CONTEXT))
    for name, value in values.items():
        if name in _NUMBERS:
            items.append(_number(*_NUMBERS[name], value))
        elif name in _ORIENTATIONS:
            items.append(TextContentItem(name=_ORIENTATIONS[name], value=value, relationship_type=ACQUISITION_CONTEXT))
    if items:
        entry.ContentSequence = ContentSequence(items)
    return entry


def _modality(source: Dataset) -> str:
    """The modality if there is a code for it, else nothing: a header may say anything."""
    modality = word(source, "Modality")
    return modality if coding.modality_code(modality) is not None else ""


def _values(source: Dataset) -> dict[str, Value]:
    """In the order of the rows of TID 1603."""
    values: dict[str, Value] = {"class_uid": source.SOPClassUID, "instance_uid": source.SOPInstanceUID}
    values |= {name: whole_number(source, name.capitalize()) or 0 for name in ("rows", "columns")}
    values |= zip(_ORIENTATIONS, map(plain, _orientation(source)), strict=False)
    values |= zip(("vertical_spacing", "horizontal_spacing"), _spacing(source), strict=False)
    return {name: value for name, value in values.items() if value != 0}


def _number(concept: Code, unit: Code, value: float) -> NumContentItem:
    item = NumContentItem(name=concept, value=value, unit=unit, relationship_type=ACQUISITION_CONTEXT)
    item.MeasuredValueSequence[0].NumericValue = number_text(value)
    return item


def _orientation(source: Dataset) -> tuple[str, ...]:
    """The directions of rows and columns, or nothing when the header does not have both."""
    directions = words(source, "PatientOrientation")
    return directions if len(directions) == 2 and all(directions) else ()


def _spacing(source: Dataset) -> tuple[float, ...]:
    """Spacing of rows and columns in mm, or nothing when the header has no two positive numbers."""
    for keyword in ("ImagerPixelSpacing", "PixelSpacing"):
        spacing = numbers(source, keyword)
        if len(spacing) == 2 and min(spacing) > 0:
            return spacing
    return ()
