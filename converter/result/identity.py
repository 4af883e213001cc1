"""Whom a header names: its patient as text."""

from __future__ import annotations

from pydicom import Dataset

from converter.image.header import value
from converter.result.patient import Patient

TEXT_CHARS_MAX = 256


def patient_of(ds: Dataset) -> Patient:
    """The patient that a header names. What the declared character set cannot decode counts as not stated."""
    return Patient(
        _text(ds, "PatientID"),
        _text(ds, "IssuerOfPatientID"),
        _text(ds, "PatientName"),
        _text(ds, "PatientBirthDate"),
    )


def _text(ds: Dataset, keyword: str) -> str:
    """Decoded, without what no database takes, and bounded."""
    found = str(value(ds, keyword) or "")
    if "\ufffd" in found or not (found.isascii() or value(ds, "SpecificCharacterSet")):
        return ""
    printable = "".join(character for character in found if character.isprintable())
    return printable.strip()[:TEXT_CHARS_MAX]
