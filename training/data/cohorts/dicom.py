"""What the header of a DICOM file says about the patient and the view."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from converter.errors import ConverterError
from converter.image.age import age_in_years
from converter.image.header import value, word
from converter.image.image_file import read_header
from converter.image.views import named_view
from training.data.cohorts.cohort import WrongLayout
from training.data.cohorts.layout import is_dicom

SUFFIXES = frozenset({".dcm", ".dicom"})


@dataclass(frozen=True)
class Header:
    """Empty where nobody says it, as of a picture that is no DICOM object."""

    sop_instance_uid: str = ""
    patient_id: str = ""
    view: str = ""
    age_years: float | None = None
    sex: str = ""


def described(path: Path) -> Header:
    """The header of `path`. Raises WrongLayout where it is no DICOM image."""
    try:
        ds = read_header(path)
    except ConverterError as error:
        raise WrongLayout(f"{path}: expected a DICOM image, {error}") from error
    view = named_view(ds)
    return Header(
        sop_instance_uid=word(ds, "SOPInstanceUID"),
        patient_id=str(value(ds, "PatientID") or "").strip(),
        view=view.word if view else "",
        age_years=age_in_years(ds),
        sex=word(ds, "PatientSex"),
    )


def header_of(path: Path) -> Header:
    """The header of a DICOM file, an empty one of a picture. Raises WrongLayout where a file is only called DICOM."""
    return described(path) if path.suffix.lower() in SUFFIXES or is_dicom(path) else Header()
