"""Reads the content items of a Structured Report (PS3.3 C.17.3): finds them, and puts name and value into words."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom import Dataset
from pydicom.sr.coding import Code


def children(item: Dataset) -> list[Dataset]:
    """The content items right below `item`."""
    return list(item.get("ContentSequence") or ())


def descendants(item: Dataset) -> Iterator[Dataset]:
    """Every content item below `item`, depth first."""
    for child in children(item):
        yield child
        yield from descendants(child)


def is_named(item: Dataset, concept: Code) -> bool:
    """Whether the concept name of `item` is `concept`; code meanings do not count."""
    names = item.get("ConceptNameCodeSequence")
    return bool(names) and (names[0].get("CodeValue"), names[0].get("CodingSchemeDesignator")) == (
        concept.value,
        concept.scheme_designator,
    )


def name_in_words(item: Dataset) -> str:
    """The meaning of the concept name, empty where there is none."""
    names = item.get("ConceptNameCodeSequence")
    return str(names[0].get("CodeMeaning", "")) if names else ""


def value_in_words(item: Dataset) -> str:
    """The value of a content item as a reader says it (PS3.3 C.17.3.2), empty for a container."""
    match item.get("ValueType"):
        case "TEXT":
            return str(item.get("TextValue") or "")
        case "CODE":
            return str(item.ConceptCodeSequence[0].get("CodeMeaning", ""))
        case "NUM" if item.get("MeasuredValueSequence"):
            measured = item.MeasuredValueSequence[0]
            unit = measured.MeasurementUnitsCodeSequence[0]
            return f"{measured.get('NumericValue', '')} {'%' if unit.CodeValue == '%' else unit.CodeMeaning}"
        case "UIDREF":
            return str(item.get("UID") or "")
        case "IMAGE" | "COMPOSITE":
            return f"image {item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID}"
        case "SCOORD":
            points = [f"{float(value):g}" for value in item.GraphicData]
            pairs = " ".join(f"({x}, {y})" for x, y in zip(points[::2], points[1::2], strict=False))
            return f"{item.GraphicType.capitalize()} {pairs} in pixels (column, row)"
        case _:
            return ""
