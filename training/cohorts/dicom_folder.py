"""A folder of DICOM files of your own, and labels.csv that says what each shows.

labels.csv names a file (relative to the folder) or a sop_instance_uid, and a label; patient_id, view, age and sex are
taken from it where it has them, from the header otherwise. Several labels of one image are joined by |.
"""

from __future__ import annotations

from pathlib import Path

from training.cohorts.cohort import About, Example, WrongLayout
from training.cohorts.dicom import Header, described
from training.cohorts.layout import found_in, read_table, without_images
from training.cohorts.own_data import OwnCohort, age_in_years, read_own_cohort

ABOUT = About(
    licence="yours, as cohort.yaml states it",
    citation="yours, as cohort.yaml states it",
    population="yours, as cohort.yaml states it",
    findings=(),
)
LAYOUT = (
    "DICOM files in any subfolders, cohort.yaml (see training/cohorts/own_data.py), labels.csv (file or "
    "sop_instance_uid, label[, patient_id, view, age, sex, split]); split is empty or one of train, val, devtest, test"
)
LABELS = "labels.csv"
SPLITS = ("", "train", "val", "devtest", "test")


def load(folder: Path) -> list[Example]:
    """Every image that labels.csv names and that is there."""
    own, root = read_own_cohort(folder), folder.absolute()
    if not (root / LABELS).is_file():
        raise WrongLayout(f"{root}: expected {LABELS}, found {found_in(root)}")
    rows = read_table(root / LABELS, ("label",))
    key = next((name for name in ("file", "sop_instance_uid") if rows and name in rows[0]), None)
    if key is None:
        raise WrongLayout(f"{root / LABELS}: expected the column file or sop_instance_uid and rows below it")
    files = {row["file"]: root / row["file"] for row in rows} if key == "file" else _by_uid(root)
    there = [row for row in rows if row[key] in files and files[row[key]].is_file()]
    without_images(root / LABELS, [row[key] for row in rows if row not in there], len(rows))
    return [_example(own, root, files[row[key]], row) for row in there]


def _by_uid(root: Path) -> dict[str, Path]:
    """SOP Instance UID -> file, of every DICOM file below `root`."""
    files = [file for file in sorted(root.rglob("*")) if file.is_file() and _is_dicom(file)]
    return {described(file).sop_instance_uid: file for file in files}


def _is_dicom(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(132)[128:] == b"DICM"


def _example(own: OwnCohort, root: Path, file: Path, row: dict[str, str]) -> Example:
    header: Header = described(file)
    where = f"{root / LABELS}: {file.relative_to(root)}"
    labels = [label.strip() for label in row["label"].split("|")]
    patient, split = row.get("patient_id") or header.patient_id, row.get("split") or ""
    if not patient:
        raise WrongLayout(f"{where}: expected a patient_id, found none here and no Patient ID in the header")
    if split not in SPLITS:
        raise WrongLayout(f"{where}: expected a split of {', '.join(SPLITS[1:])}, found {split}")
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
