"""What routes look at in a header, bounded: few attributes, so that it can be kept and asked again without the file.

Values come from strangers. Of each attribute so many values are taken, and of each value so many characters; nothing
here names the patient: of the birth date only the age is left.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydicom import DataElement, Dataset
from pydicom.config import IGNORE
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.multival import MultiValue

from converter.image.age import STUDY_DATES, age_in_years
from converter.image.header import items, value, word
from converter.image.priority import DEFINED_TERMS
from converter.image.priority import KEYWORDS as PRIORITY_KEYWORDS

# An item has one value of each attribute: so much is asked for.
VALUES_MAX, CHARACTERS_MAX, ITEMS_MAX = 8, 128, 4
_BLANKS = " \0\t\r\n"
TEXTS = (
    *("SOPClassUID", "Modality", "ImageType", "ConversionType", "BodyPartExamined", "ViewPosition"),
    *("PatientOrientation", "StudyDescription", "SeriesDescription", "ProtocolName"),
    *("AcquisitionDeviceProcessingDescription", "StationName", "Manufacturer", "ManufacturerModelName"),
    *("InstitutionName", *PRIORITY_KEYWORDS),
)
SEQUENCES = {
    "AnatomicRegionSequence": ("CodeValue", "CodeMeaning"),
    "ViewCodeSequence": ("CodeValue",),
    "ContributingEquipmentSequence": ("Manufacturer", "ManufacturerModelName"),
    "RequestAttributesSequence": PRIORITY_KEYWORDS,
}
PIXELS, AGE = "PixelData", "age_years"
# Of these the age is made, and they are left out.
AGE_SOURCES = ("PatientAge", "PatientBirthDate", *STUDY_DATES)


@dataclass(frozen=True)
class RoutingHeader:
    """`ds` has the attributes that routes look at and no others; its Pixel Data are empty, where there are any.
    `age_years`: None where the header gives no age."""

    ds: Dataset
    age_years: float | None

    @property
    def requested_rank(self) -> int | None:
        """The most urgent priority that the header names, in itself or in its Request Attributes; None where it names
        none that is defined."""
        named = [
            DEFINED_TERMS[said]
            for one in (self.ds, *items(self.ds, "RequestAttributesSequence"))
            for keyword in PRIORITY_KEYWORDS
            if (said := word(one, keyword)) in DEFINED_TERMS
        ]
        return min(named, default=None)

    def document(self) -> str:
        """As JSON, the same for the same header; see `kept_header`."""
        document = _texts(self.ds, TEXTS)
        for keyword, of_item in SEQUENCES.items():
            if kept := [_texts(item, of_item, 1) for item in items(self.ds, keyword)]:
                document[keyword] = kept
        document |= {PIXELS: PIXELS in self.ds} | ({} if self.age_years is None else {AGE: self.age_years})
        return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def routing_header(ds: Dataset) -> RoutingHeader:
    """What routes look at in `ds`."""
    kept = _made(_texts(ds, TEXTS))
    for keyword, of_item in SEQUENCES.items():
        if found := items(ds, keyword)[:ITEMS_MAX]:
            _add(kept, keyword, [_made(_texts(item, of_item, 1)) for item in found])
    if PIXELS in ds:
        _add(kept, PIXELS, b"")
    return RoutingHeader(kept, age_in_years(ds))


def kept_header(document: str) -> RoutingHeader:
    """The header that a document was made of."""
    kept: dict[str, Any] = json.loads(document)
    has_pixels, age_years = kept.pop(PIXELS, False), kept.pop(AGE, None)
    sequences = {keyword: kept.pop(keyword) for keyword in SEQUENCES if keyword in kept}
    ds = _made(kept)
    for keyword, found in sequences.items():
        _add(ds, keyword, [_made(item) for item in found])
    if has_pixels:
        _add(ds, PIXELS, b"")
    return RoutingHeader(ds, age_years)


def header_of_texts(texts: Mapping[str, str]) -> RoutingHeader:
    """What is known of an image of which only the texts of some attributes are, by keyword: it has pixels, and no
    sequence."""
    ds = _made({keyword: text.split("\\")[:VALUES_MAX] for keyword, text in texts.items()})
    _add(ds, PIXELS, b"")
    return routing_header(ds)


def _texts(ds: Dataset, keywords: tuple[str, ...], values_max: int = VALUES_MAX) -> dict[str, Any]:
    """By keyword the first values, those that are absent or empty left out; empty ones among several keep their
    place."""
    found: dict[str, Any] = {}
    for keyword in keywords:
        stated = value(ds, keyword)
        if stated is None:
            continue
        many = stated if isinstance(stated, MultiValue | list | tuple) else str(stated).split("\\")
        texts = [_bounded(str(one or "")) for one in many[:values_max]]
        if any(texts):
            found[keyword] = texts
    return found


def _bounded(text: str) -> str:
    """As it can be kept: without half characters (lone surrogates), which no database takes."""
    return text.strip(_BLANKS)[:CHARACTERS_MAX].encode("utf-8", "replace").decode().strip(_BLANKS)


def _made(values: Mapping[str, Any]) -> Dataset:
    ds = Dataset()
    for keyword, texts in values.items():
        _add(ds, keyword, texts[0] if len(texts) == 1 else texts)
    return ds


def _add(ds: Dataset, keyword: str, stated: Any) -> None:
    """Without a look at whether it is as the standard has it: pydicom would warn, with the value."""
    vr = "OW" if keyword == PIXELS else dictionary_VR(keyword)
    ds.add(DataElement(tag_for_keyword(keyword) or 0, vr, stated, validation_mode=IGNORE))
