"""The patient's age at the study, from Patient's Age or from birth date and study date."""

from __future__ import annotations

import re
from datetime import date

from pydicom import Dataset

from converter.image.header import word

YEARS_PER_UNIT = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0, "": 1.0}
STUDY_DATES = ("StudyDate", "AcquisitionDate", "ContentDate", "SeriesDate")
YEARS_MAX = 130


def age_in_years(ds: Dataset) -> float | None:
    """The age, or None when the header gives none that can be true. `58` without a unit means years."""
    stated = re.fullmatch(r"(\d{1,3})([DWMY]?)", word(ds, "PatientAge"))
    if stated:
        years = int(stated[1]) * YEARS_PER_UNIT[stated[2]]
    else:
        born = _date(word(ds, "PatientBirthDate"))
        seen = next((day for keyword in STUDY_DATES if (day := _date(word(ds, keyword)))), None)
        if born is None or seen is None:
            return None
        years = _years_between(born, seen)
    return years if 0 <= years <= YEARS_MAX else None


def _years_between(born: date, seen: date) -> float:
    """Whole years from birthday to birthday, and the rest in parts of a year; negative before birth."""
    had_birthday = (seen.month, seen.day) >= (born.month, born.day)
    whole = seen.year - born.year - (not had_birthday)
    last = born.replace(year=born.year + whole) if (born.month, born.day) != (2, 29) else date(born.year + whole, 3, 1)
    return whole + max(0, (seen - last).days) / 366


def _date(text: str) -> date | None:
    """A DA value (PS3.5 6.2), also in the old form with dots."""
    digits = text.replace(".", "")
    if not re.fullmatch(r"\d{8}", digits):
        return None
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None
