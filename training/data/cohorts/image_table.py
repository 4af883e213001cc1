"""Images of your own (PNG, JPEG or DICOM) in any folders, and labels.csv that says what each shows.

labels.csv names a file (relative to the folder; the column may be called path) or a sop_instance_uid, and a label;
patient_id, view, age and sex are taken from it where it has them, from DICOM headers otherwise. Several labels of one
image are joined by |. An image of which nobody says whose it is counts as a patient of its own, with a warning.
"""

from __future__ import annotations

from pathlib import Path

from training.data.cohorts.cohort import Example, WrongLayout
from training.data.cohorts.dicom import described, header_of
from training.data.cohorts.layout import each_once, found_in, is_dicom, is_there, read_table, without_images
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
    "images in any subfolders, cohort.yaml (see training/data/cohorts/own_data.py), labels.csv (file or path or "
    "sop_instance_uid, label[, patient_id, view, age, sex, split]); split is empty or one of train, val, devtest, test"
)
LABELS = "labels.csv"
KEYS = ("file", "path", "sop_instance_uid")


def load(folder: Path) -> list[Example]:
    """Every image that labels.csv names and that is there."""
    own, root = read_own_cohort(folder), folder.absolute()
    if not (root / LABELS).is_file():
        raise WrongLayout(f"{root}: expected {LABELS}, found {found_in(root)}")
    rows = read_table(root / LABELS, ("label",))
    key = next((name for name in KEYS if name in rows[0]), None)
    if key is None:
        raise WrongLayout(f"{root / LABELS}: expected the column file, path or sop_instance_uid, found neither")
    each_once(root / LABELS, (row[key] for row in rows))
    named = _by_uid(root) if key == "sop_instance_uid" else {row[key]: root / row[key] for row in rows}
    files = {name: file for name, file in named.items() if is_there(file)}
    without_images(root / LABELS, [row[key] for row in rows if row[key] not in files], len(rows))
    found = [
        _example(own, files[row[key]], row, f"{root / LABELS}: {row[key]}", key) for row in rows if row[key] in files
    ]
    tell_of_unknown_patients(root, [example.patient_id for example in found])
    return found


def _by_uid(root: Path) -> dict[str, Path]:
    """SOP Instance UID -> file, of every DICOM file below `root`."""
    files = [file for file in sorted(root.rglob("*")) if file.is_file() and is_dicom(file)]
    return {described(file).sop_instance_uid: file for file in files}


def _example(own: OwnCohort, file: Path, row: dict[str, str], where: str, key: str) -> Example:
    header = header_of(file)
    labels = [label.strip() for label in row["label"].split("|")]
    stated, split = row.get("age") or "", checked_split(row.get("split") or "", where)
    patient = row.get("patient_id") or row.get("patient") or header.patient_id
    return Example(
        path=file,
        cohort=own.name,
        label=row["label"],
        findings=frozenset[str]().union(*(own.findings(label, where) for label in labels)),
        split=split,
        patient_id=own.patient(patient) if patient else own.patient_of_file(row[key]),
        view=(row.get("view") or header.view).upper(),
        age_years=age_in_years(stated) if stated else header.age_years,
        sex=(row.get("sex") or header.sex).upper(),
        part=split,
    )
