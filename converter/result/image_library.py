"""TID 1600 Image Library: the images a report speaks of, described by what their headers have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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
    modality = coding.modality_code(str(source.get("Modality", "")))
    if modality is not None:
        items.append(
            CodeContentItem(name=coding.MODALITY, value=modality, relationship_type=ACQUISITION_CONTEXT),
        )
    for concept, keyword in ((coding.PIXEL_DATA_ROWS, "Rows"), (coding.PIXEL_DATA_COLUMNS, "Columns")):
        if source.get(keyword):
            items.append(_number(concept, int(source[keyword].value), coding.PIXELS))
    orientation = _pair(source, "PatientOrientation")
    for concept, value in zip(
        (coding.PATIENT_ORIENTATION_ROW, coding.PATIENT_ORIENTATION_COLUMN), orientation, strict=False
    ):
        text = plain(str(value))
        items.append(TextContentItem(name=concept, value=text, relationship_type=ACQUISITION_CONTEXT))
    spacing = _pair(source, "ImagerPixelSpacing") or _pair(source, "PixelSpacing")
    for concept, value in zip((coding.VERTICAL_PIXEL_SPACING, coding.HORIZONTAL_PIXEL_SPACING), spacing, strict=False):
        items.append(_number(concept, float(str(value)), coding.MILLIMETER))
    return items


def _number(concept: Code, value: float, unit: Code) -> NumContentItem:
    item = NumContentItem(name=concept, value=value, unit=unit, relationship_type=ACQUISITION_CONTEXT)
    item.MeasuredValueSequence[0].NumericValue = str(value)[:16]
    return item


def _pair(source: Dataset, keyword: str) -> Sequence[object]:
    """The two values of `keyword`, or nothing when the header has none, one or an empty one."""
    value = source.get(keyword)
    if value is None or isinstance(value, str) or not hasattr(value, "__len__") or len(value) != 2:
        return ()
    return tuple(value) if all(str(part).strip() for part in value) else ()
