"""Patient, study and origin of a report, as its header states them."""

from __future__ import annotations

from pydicom import Dataset

from converter.result.sheet.records import SheetSubject, joined


def subject_of(sr: Dataset) -> SheetSubject:
    """What identifies the report; what its header lacks is empty."""
    return SheetSubject(
        names=_names(sr),
        patient_id=joined((_text(sr, "PatientID"), _text(sr, "IssuerOfPatientID"))),
        birth_date=_date(_text(sr, "PatientBirthDate")),
        sex=_text(sr, "PatientSex"),
        study_date=_date(_text(sr, "StudyDate")),
        study_description=_text(sr, "StudyDescription"),
        accession_number=_text(sr, "AccessionNumber"),
        made_at=joined((_date(_text(sr, "ContentDate")), _time(_text(sr, "ContentTime"))), " "),
        made_by=joined((_text(sr, "Manufacturer"), _text(sr, "StationName"))),
        report_uid=_text(sr, "SOPInstanceUID"),
        study_uid=_text(sr, "StudyInstanceUID"),
    )


def _names(sr: Dataset) -> tuple[str, ...]:
    """The name in its alphabetic, ideographic and phonetic writing (PS3.5 6.2.1), as far as they are there."""
    writings = str(sr.get("PatientName") or "").replace("^", " ").split("=")
    return tuple(" ".join(writing.split()) for writing in writings if writing.strip())


def _text(ds: Dataset, keyword: str) -> str:
    value = ds.get(keyword)
    return "" if value is None else str(value)


def _date(value: str) -> str:
    return f"{value[:4]}-{value[4:6]}-{value[6:8]}" if len(value) == 8 and value.isdigit() else value


def _time(value: str) -> str:
    return f"{value[:2]}:{value[2:4]}" if value[:4].isdigit() and len(value) >= 4 else value
