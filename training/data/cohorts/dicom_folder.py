"""A folder of DICOM files of your own, and labels.csv that says what each shows.

labels.csv names a file (relative to the folder) or a sop_instance_uid, and a label; patient_id, view, age and sex are
taken from it where it has them, from the header otherwise. Several labels of one image are joined by |.
"""

from __future__ import annotations

from pathlib import Path

from training.data.cohorts.cohort import About, Example, WrongLayout
from training.data.cohorts.dicom import Header, described
from training.data.cohorts.layout import each_once, found_in, is_there, read_table, without_images
from training.data.cohorts.own_data import OwnCohort, age_in_years, checked_split, read_own_cohort

ABOUT = About(
    licence="yours, as cohort.yaml states it",
    citation="yours, as cohort.yaml states it",
    population="yours, as cohort.yaml states it",
    findings=(),
)
LAYOUT = (
    "DICOM files in any subfolders, cohort.yaml (see training/data/cohorts/own_data.py), labels.csv (file or "
    "sop_instance_uid, label[, patient_id, view, age, sex, split]); split is empty or one of train, val, devtest, test"
)
LABELS = "labels.csv"


def load(folder: Path) -> list[Example]:
    """Every image that labels.csv names and that is there."""
    own, root = read_own_cohort(folder), folder.absolute()
    if not (root / LABELS).is_file():
        raise WrongLayout(f"{root}: expected {LABELS}, found {found_in(root)}")
    rows = read_table(root / LABELS, ("label",))
    key = next((name for name in ("file", "sop_instance_uid") if name in rows[0]), None)
    if key is None:
        raise WrongLayout(f"{root / LABELS}: expected the column file or sop_instance_uid, found neither")
    each_once(root / LABELS, (row[key] for row in rows))
    named = {row["file"]: root / row["file"] for row in rows} if key == "file" else _by_uid(root)
    files = {name: file for name, file in named.items() if is_there(file)}
    without_images(root / LABELS, [row[key] for row in rows if row[key] not in files], len(rows))
    return [_example(own, files[row[key]], row, f"{root / LABELS}: {row[key]}") for row in rows if row[key] in files]


def _by_uid(root: Path) -> dict[str, Path]:
    """SOP Instance UID -> file, of every DICOM file below `root`."""
    files = [file for file in sorted(root.rglob("*")) if file.is_file() and _is_dicom(file)]
    return {described(file).sop_instance_uid: file for file in files}


def _is_dicom(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(132)[128:] == b"DICM"


def _example(own: OwnCohort, file: Path, row: dict[str, str], where: str) -> Example:
    header: Header = described(file)
    labels = [label.strip() for label in row["label"].split("|")]
    patient, split = row.get("patient_id") or header.patient_id, checked_split(row.get("split") or "", where)
    if not patient:
        raise WrongLayout(f"{where}: expected a patient_id, found none here and no Patient ID in the header")
    stated = row.get("age") or ""
    return Example(
        path=file,
        cohort=own.name,
        label=row["label"],
        findings=frozenset[str]().union(*(own.findings(label, where) for label in labels)),
        split=split,
        patient_id=own.patient(patient),
        view=(row.get("view") or header.view).upper(),
        age_years=age_in_years(stated) if stated else header.age_years,
        sex=(row.get("sex") or header.sex).upper(),
        part=split,
    )
