"""The clinical readings beside the two tuberculosis sets of the National Library of Medicine: sex, age, a sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass

YEARS_PER_UNIT = {"y": 1.0, "m": 1 / 12, "w": 7 / 365.25, "d": 1 / 365.25}


@dataclass(frozen=True)
class Reading:
    sex: str
    age_years: float | None
    text: str


def montgomery(text: str) -> Reading:
    """`Patient's Sex: F`, `Patient's Age: 027Y`, then what was read."""
    sex = re.search(r"Sex:\s*([MFO])", text)
    age = re.search(r"Age:\s*(\d+)([YMWD])", text)
    below = text.splitlines()[2:]
    return Reading(sex[1] if sex else "", _years(age[1], age[2]) if age else None, " ".join(" ".join(below).split()))


def shenzhen(text: str) -> Reading:
    """`male 45yrs`, also `femal 32yrs`, `female24yrs`, `male , 29yrs`, `male 16month`, `female 64days`; then the rest.

    An age without a unit is not taken for years.
    """
    first, *below = text.strip().splitlines() or [""]
    sex = re.match(r"\s*(fe)?mal", first, re.IGNORECASE)
    age = re.search(r"(\d+)\s*([ymwd])", first, re.IGNORECASE)
    known = ("F" if sex[1] else "M") if sex else ""
    return Reading(known, _years(age[1], age[2]) if age else None, " ".join(" ".join(below).split()))


def _years(number: str, unit: str) -> float:
    return round(int(number) * YEARS_PER_UNIT[unit.lower()], 3)
