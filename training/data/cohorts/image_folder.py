"""A folder of PNG, JPEG or DICOM images of your own: one folder a label, and who the patients are.

Patients come from patients.csv (file, patient_id; view, age, sex and split if you have them), from the file names by
`patient_pattern` of cohort.yaml, or from DICOM headers. Without any of these each file counts as a patient, with a
warning: the images of one patient may then be learned from and measured on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from training.data.cohorts.cohort import Example, WrongLayout
from training.data.cohorts.dicom import SUFFIXES, Header, header_of
from training.data.cohorts.layout import IMAGE_SUFFIXES, each_once, images_in, read_table
from training.data.cohorts.own_data import (
    ABOUT as ABOUT,
)
from training.data.cohorts.own_data import (
    OwnCohort,
    age_in_years,
    checked_split,
    read_own_cohort,
    tell_of_unknown_patients,
)

LAYOUT = (
    "LABEL/* or {train,val,test}/LABEL/* (PNG, JPEG or DICOM), cohort.yaml (see own_data.py), and patients.csv "
    "(file relative to the folder, patient_id[, view, age, sex, split]) where cohort.yaml has no patient_pattern and "
    "no header names the patient; split is empty or one of train, val, devtest, test"
)
PARTS = ("train", "val", "test")
PATIENTS = "patients.csv"


def load(folder: Path) -> list[Example]:
    """Every image of the label folders. Where patients.csv states no split, a part named test stays apart, and train
    and val are divided anew."""
    own, root = read_own_cohort(folder), folder.absolute()
    table = read_table(root / PATIENTS, ("file", "patient_id")) if (root / PATIENTS).is_file() else []
    each_once(root / PATIENTS, (row["file"] for row in table))
    rows = {row["file"]: row for row in table} if table else None
    parts = [part for part in PARTS if (root / part).is_dir()]
    if parts:
        _only(root, PARTS)
    found = [example for part in parts or [""] for example in _images(own, root, part, rows)]
    tell_of_unknown_patients(root, [example.patient_id for example in found])
    return found


def _only(folder: Path, names: Iterable[str]) -> None:
    """Raises WrongLayout where a folder lies in `folder` whose images nobody would read."""
    strange = [path.name for path in folder.iterdir() if path.is_dir() and path.name not in names]
    strange = [name for name in strange if not name.startswith(".")]
    if strange:
        raise WrongLayout(f"{folder}: expected the folders {', '.join(names)}, found {strange[0]}/")


Rows = Mapping[str, Mapping[str, str]] | None


def _images(own: OwnCohort, root: Path, part: str, rows: Rows) -> list[Example]:
    _only(root / part, own.labels)
    return [
        _example(own, root, part, label, file, rows)
        for label in own.labels
        for file in images_in(root / part / label, suffixes=IMAGE_SUFFIXES | SUFFIXES, deep=True, dicom=True)
    ]


def _example(own: OwnCohort, root: Path, part: str, label: str, file: Path, rows: Rows) -> Example:
    inside = file.relative_to(root).as_posix()
    row = (rows or {}).get(inside, {})
    header = header_of(file)
    return Example(
        path=file,
        cohort=own.name,
        label=label,
        findings=own.findings(label, str(file)),
        split=checked_split(row.get("split") or ("test" if part == "test" else ""), str(file)),
        patient_id=_patient(own, file, inside, row.get("patient_id") or "", header, has_table=rows is not None),
        view=(row.get("view") or header.view).upper(),
        age_years=age_in_years(row.get("age") or "") if row.get("age") else header.age_years,
        sex=(row.get("sex") or header.sex).upper(),
        part=part,
    )


def _patient(own: OwnCohort, file: Path, inside: str, stated: str, header: Header, has_table: bool) -> str:
    if stated:
        return own.patient(stated)
    if own.patient_pattern is not None:
        match = re.search(own.patient_pattern, file.name)
        if match is None or not match[1]:
            raise WrongLayout(
                f"{file}: expected a name that fits patient_pattern {own.patient_pattern}, found {file.name}"
            )
        return own.patient(match[1])
    if header.patient_id:
        return own.patient(header.patient_id)
    if has_table:
        raise WrongLayout(f"{file}: expected a row in {PATIENTS}, found none")
    return own.patient_of_file(inside)
