"""A folder of PNG or JPEG images of your own: one folder a label, and who the patients are.

Patients come from patients.csv (file, patient_id; view, age, sex and split if you have them), or from the file names by
`patient_pattern` of cohort.yaml. Without either the images of one patient would be learned from and measured on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from training.data.cohorts.cohort import About, Example, WrongLayout
from training.data.cohorts.layout import each_once, found_in, images_in, read_table
from training.data.cohorts.own_data import FILE, OwnCohort, age_in_years, checked_split, read_own_cohort

ABOUT = About(
    licence="yours, as cohort.yaml states it",
    citation="yours, as cohort.yaml states it",
    population="yours, as cohort.yaml states it",
    findings=(),
)
LAYOUT = (
    "LABEL/*.png or {train,val,test}/LABEL/*.png, cohort.yaml (see own_data.py), and patients.csv "
    "(file relative to the folder, patient_id[, view, age, sex, split]) where cohort.yaml has no patient_pattern; "
    "split is empty or one of train, val, devtest, test"
)
PARTS = ("train", "val", "test")
PATIENTS = "patients.csv"


def load(folder: Path) -> list[Example]:
    """Every image of the label folders. Where patients.csv states no split, a part named test stays apart, and train
    and val are divided anew."""
    own, root = read_own_cohort(folder), folder.absolute()
    if own.patient_pattern is None and not (root / PATIENTS).is_file():
        raise WrongLayout(f"{root}: expected {PATIENTS}, or patient_pattern in {FILE}, found {found_in(root)}")
    table = read_table(root / PATIENTS, ("file", "patient_id")) if (root / PATIENTS).is_file() else []
    each_once(root / PATIENTS, (row["file"] for row in table))
    rows = {row["file"]: row for row in table}
    parts = [part for part in PARTS if (root / part).is_dir()]
    if parts:
        _only(root, PARTS)
    return [example for part in parts or [""] for example in _images(own, root, part, rows)]


def _only(folder: Path, names: Iterable[str]) -> None:
    """Raises WrongLayout where a folder lies in `folder` whose images nobody would read."""
    strange = [path.name for path in folder.iterdir() if path.is_dir() and path.name not in names]
    strange = [name for name in strange if not name.startswith(".")]
    if strange:
        raise WrongLayout(f"{folder}: expected the folders {', '.join(names)}, found {strange[0]}/")


def _images(own: OwnCohort, root: Path, part: str, rows: dict[str, dict[str, str]]) -> list[Example]:
    _only(root / part, own.labels)
    return [
        _example(own, root, part, label, file, rows)
        for label in own.labels
        for file in images_in(root / part / label, deep=True)
    ]


def _example(own: OwnCohort, root: Path, part: str, label: str, file: Path, rows: dict[str, dict[str, str]]) -> Example:
    row = rows.get(file.relative_to(root).as_posix(), {})
    return Example(
        path=file,
        cohort=own.name,
        label=label,
        findings=own.findings(label, str(file)),
        split=checked_split(row.get("split") or ("test" if part == "test" else ""), str(file)),
        patient_id=own.patient(row.get("patient_id") or _named_patient(own, file)),
        view=row.get("view", "").upper(),
        age_years=age_in_years(row.get("age", "")),
        sex=row.get("sex", "").upper(),
        part=part,
    )


def _named_patient(own: OwnCohort, file: Path) -> str:
    if own.patient_pattern is None:
        raise WrongLayout(f"{file}: expected a row in {PATIENTS}, found none")
    match = re.search(own.patient_pattern, file.name)
    if match is None or not match[1]:
        raise WrongLayout(f"{file}: expected a name that fits patient_pattern {own.patient_pattern}, found {file.name}")
    return match[1]
