"""In which elements two data sets differ, by keyword and place; values stay where they are."""

from __future__ import annotations

import pydicom
from pydicom import Dataset


def differences(sent: Dataset, built: Dataset, place: str = "") -> list[str]:
    """Keywords of the elements that differ, with the places in sequences; values stay where they are."""
    found: list[str] = []
    for tag in sorted({*sent.keys(), *built.keys()}):
        one, other = sent.get(tag), built.get(tag)
        name = f"{place}{pydicom.datadict.keyword_for_tag(tag) or tag}"
        if one is None or other is None or one.VR != "SQ":
            if one is None or other is None or one.value != other.value:
                found.append(name)
        elif len(one.value) != len(other.value):
            found.append(f"{name} ({len(one.value)} and {len(other.value)} items)")
        else:
            for number, pair in enumerate(zip(one.value, other.value, strict=True), 1):
                found += differences(*pair, f"{name}[{number}].")
    return found
