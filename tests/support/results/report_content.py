"""Reads a Structured Report as its reader does: measurement groups, content items, references."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydicom import Dataset


@dataclass(frozen=True)
class Group:
    """The measurement group of one finding of one film as a reader of the report understands it."""

    finding: str
    probability: float
    threshold: float
    decision: str
    verdict: str
    tracking_uid: str
    image_uid: str
    heatmap_uid: str


@dataclass(frozen=True)
class SeenRegion:
    """The measurement group of one region."""

    finding: str
    tracking_uid: str
    image_uid: str
    points: tuple[tuple[float, float], ...]


def groups(sr: Dataset) -> Iterator[Group]:
    """The measurement groups of findings, as far as they can be read."""
    for item in walk(sr):
        if has_concept(item, "125007") and not _scoords(item):
            numbers = [child.MeasuredValueSequence[0].NumericValue for child in children(item, "122157")]
            thresholds = [child.TextValue for child in children(item, "111002") if "threshold" in child.TextValue]
            findings = [child.ConceptCodeSequence[0].CodeValue for child in children(item, "121071")]
            yield Group(
                finding=only_value(findings),
                probability=float(only_value(numbers) or "nan"),
                threshold=float((re.findall(r"\d+(?:\.\d+)?", only_value(thresholds)) or ["nan"])[0]),
                decision=only_value(
                    [child.ConceptCodeSequence[0].CodeMeaning for child in children(item, only_value(findings))]
                ),
                verdict=next((str(child.TextValue) for child in children(item, "121106")), ""),
                tracking_uid=only_value([child.UID for child in children(item, "112040")]),
                image_uid=only_value([uid for child in children(item, "122157") for uid in referenced(child)]),
                heatmap_uid=only_value([uid for child in children(item, "121200") for uid in own_references(child)]),
            )


def regions(sr: Dataset) -> Iterator[SeenRegion]:
    """The measurement groups of regions, as far as they can be read."""
    for item in walk(sr):
        scoords = _scoords(item) if has_concept(item, "125007") else []
        if scoords:
            yield SeenRegion(
                finding=only_value([child.ConceptCodeSequence[0].CodeValue for child in children(item, "121071")]),
                tracking_uid=only_value([child.UID for child in children(item, "112040")]),
                image_uid=only_value([uid for child in scoords for uid in referenced(child)]),
                points=points(scoords[0]),
            )


def points(scoord: Dataset) -> tuple[tuple[float, float], ...]:
    return tuple(zip(scoord.GraphicData[::2], scoord.GraphicData[1::2], strict=True))


def _scoords(group: Dataset) -> list[Dataset]:
    return [child for child in group.get("ContentSequence") or () if child.ValueType == "SCOORD"]


def walk(item: Dataset) -> Iterator[Dataset]:
    """Every content item below `item`, parents first."""
    for child in item.get("ContentSequence") or ():
        yield child
        yield from walk(child)


def children(item: Dataset, code: str) -> list[Dataset]:
    return [child for child in item.get("ContentSequence") or () if has_concept(child, code)]


def has_concept(item: Dataset, code: str) -> bool:
    return bool(code) and code_value(item.get("ConceptNameCodeSequence")) == code


def code_value(sequence: Sequence[Dataset] | None) -> str:
    return str(sequence[0].get("CodeValue", "")) if sequence else ""


def own_references(item: Dataset) -> list[str]:
    return [str(reference.ReferencedSOPInstanceUID) for reference in item.get("ReferencedSOPSequence") or ()]


def referenced(item: Dataset) -> list[str]:
    return [uid for child in (item, *walk(item)) for uid in own_references(child)]


def only_value(values: Sequence[object]) -> str:
    """The only value, or nothing when there is none or more than one."""
    return str(values[0]) if len(values) == 1 else ""
