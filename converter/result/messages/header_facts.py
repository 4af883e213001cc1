"""What headers say of patient, study and order, in the plain form that messages have it in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import chain
from typing import Literal

from pydicom import Dataset
from pydicom.multival import MultiValue

from converter.image.header import items, value, word
from converter.result.identity import patient_of

Priority = Literal["routine", "urgent", "stat"]
PRIORITIES: tuple[Priority, ...] = ("routine", "urgent", "stat")
# Requested Procedure Priority (0040,1003) and Study Priority ID (0032,000C), which is older.
ORDER_PRIORITIES: dict[str, Priority] = {
    "STAT": "stat",
    "HIGH": "urgent",
    "ROUTINE": "routine",
    "MEDIUM": "routine",
    "LOW": "routine",
}
TEXT_CHARS_MAX = 256


def order_priority(sources: Iterable[Dataset]) -> Priority | None:
    found = [
        ORDER_PRIORITIES.get(word(ds, keyword))
        for source in sources
        for ds in (source, *items(source, "RequestAttributesSequence"))
        for keyword in ("RequestedProcedurePriority", "StudyPriorityID")
    ]
    return max((one for one in found if one is not None), key=PRIORITIES.index, default=None)


def telling(sources: list[Dataset]) -> Dataset:
    """The first image that names its patient by an ID, or by anything, or the first."""
    named = [(patient_of(source), source) for source in sources]
    with_id = (source for patient, source in named if patient.id)
    with_name = (source for patient, source in named if patient.name)
    return next(chain(with_id, with_name, sources), Dataset())  # a data set without elements is false


def text(ds: Dataset, keyword: str) -> str:
    """Decoded, in one line and bounded; what the declared character set cannot decode counts as not stated."""
    stated = value(ds, keyword)
    found = "\\".join(map(str, stated)) if isinstance(stated, MultiValue) else str(stated or "")
    if "�" in found or not (found.isascii() or value(ds, "SpecificCharacterSet")):
        return ""
    return "".join(one if one.isprintable() else " " for one in found).strip()[:TEXT_CHARS_MAX]


def first_stated(sources: Iterable[Dataset], keyword: str) -> str:
    return next((found for source in sources if (found := text(source, keyword))), "")


def of_request(sources: Iterable[Dataset], keyword: str) -> str:
    """Of the order, where a device wrote it beside the image or into its request attributes."""
    return first_stated(
        (ds for source in sources for ds in (source, *items(source, "RequestAttributesSequence"))), keyword
    )


def sex(ds: Dataset) -> str:
    stated = word(ds, "PatientSex")
    return stated if stated in ("M", "F", "O") else ""


def date(stated: str) -> str:
    """Eight digits of a day that there is, or nothing."""
    digits = "".join(one for one in stated if one not in ".-/ ")
    try:
        datetime.strptime(digits, "%Y%m%d")  # noqa: DTZ007 - only whether there is such a day
    except ValueError:
        return ""
    return digits if len(digits) == 8 and digits.isascii() else ""


def time(stated: str) -> str:
    """Six digits of a time of the day, or nothing."""
    digits = stated.partition(".")[0].replace(":", "").strip()
    try:
        datetime.strptime(digits, "%H%M%S")  # noqa: DTZ007 - only whether there is such a time
    except ValueError:
        return ""
    return digits if len(digits) == 6 and digits.isascii() else ""
