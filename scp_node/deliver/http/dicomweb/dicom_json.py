"""The DICOM JSON model (PS3.18 F), as far as answers of archives are read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

MEDIA_TYPE = "application/dicom+json"
Item = Mapping[str, Any]


def items_in(body: bytes) -> list[Item] | None:
    """The data sets of an answer, of which there may be one without a list around it; None where it is no such answer.
    What has no bytes has no data sets."""
    if not body.strip():
        return []
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    listed = found if isinstance(found, list) else [found]
    return [one for one in listed if isinstance(one, dict)] if all(isinstance(one, dict) for one in listed) else None


def values(item: Item, tag: str) -> list[Any]:
    """Of one element; none where it is not there, or is not as it should be."""
    element = item.get(tag)
    found = element.get("Value") if isinstance(element, dict) else None
    return found if isinstance(found, list) else []


def sequence(item: Item, tag: str) -> list[Item]:
    return [one for one in values(item, tag) if isinstance(one, dict)]


def text(item: Item, tag: str) -> str:
    """Its first value; empty where there is none."""
    found = next(iter(values(item, tag)), "")
    return found.strip("\0 ") if isinstance(found, str) else ""


def number(item: Item, tag: str) -> int | None:
    """Its first value, as a number or as the digits of one."""
    found = next(iter(values(item, tag)), None)
    if isinstance(found, str) and found.isdecimal() and len(found) <= 5:
        return int(found)
    return found if isinstance(found, int) and not isinstance(found, bool) else None
