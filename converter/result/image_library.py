"""TID 1600 Image Library: the images a report speaks of, described by what their headers have."""

from __future__ import annotations

from collections.abc import Iterable

from highdicom.sr import (
    CodeContentItem,
    ContainerContentItem,
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
from converter.result.wording import plain

ACQUISITION_CONTEXT = RelationshipTypeValues.HAS_ACQ_CONTEXT
CONTAINS = RelationshipTypeValues.CONTAINS


def image_library(sources: Iterable[Dataset]) -> ContainerContentItem:
    """A library with one entry per image; an attribute that a header lacks is left out, never invented."""
    group = ContainerContentItem(
        name=coding.IMAGE_LIBRARY_GROUP, is_content_continuous=False, relationship_type=CONTAINS
    )
    group.ContentSequence = ContentSequence([_entry(source) for source in sources])
    library = ContainerContentItem(name=coding.IMAGE_LIBRARY, is_content_continuous=False, relationship_type=CONTAINS)
    library.ContentSequence = ContentSequence([group])
    return library


def _entry(source: Dataset) -> ImageContentItem:
    entry = ImageContentItem(
        name=coding.SOURCE,
        referenced_sop_class_uid=source.SOPClassUID,
        referenced_sop_instance_uid=source.SOPInstanceUID,
        relationship_type=CONTAINS,
    )
    descriptors = _descriptors(source)
    if descriptors:
        entry.ContentSequence = ContentSequence(descriptors)
    return entry


def _descriptors(source: Dataset) -> list[ContentItem]:
    """TID 1602 Image Library Entry Descriptors with TID 1603 for projection radiography."""
    items: list[ContentItem] = []
    modality = coding.modality_code(word(source, "Modality"))
    if modality is not None:
        items.append(
            CodeContentItem(name=coding.MODALITY, value=modality, relationship_type=ACQUISITION_CONTEXT),
        )
    for concept, keyword in ((coding.PIXEL_DATA_ROWS, "Rows"), (coding.PIXEL_DATA_COLUMNS, "Columns")):
        count = whole_number(source, keyword)
        if count:
            items.append(_number(concept, count, coding.PIXELS))
    for concept, direction in zip(
        (coding.PATIENT_ORIENTATION_ROW, coding.PATIENT_ORIENTATION_COLUMN), _orientation(source), strict=False
    ):
        items.append(TextContentItem(name=concept, value=plain(direction), relationship_type=ACQUISITION_CONTEXT))
    for concept, spacing in zip(
        (coding.VERTICAL_PIXEL_SPACING, coding.HORIZONTAL_PIXEL_SPACING), _spacing(source), strict=False
    ):
        items.append(_number(concept, spacing, coding.MILLIMETER))
    return items


def _number(concept: Code, value: float, unit: Code) -> NumContentItem:
    item = NumContentItem(name=concept, value=value, unit=unit, relationship_type=ACQUISITION_CONTEXT)
    item.MeasuredValueSequence[0].NumericValue = str(value)[:16]
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
