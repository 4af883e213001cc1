"""The four cohorts of the development data: rows of one manifest.csv, split by patient already."""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path

from training.data.cohorts.cohort import About, Cohort, Example, WrongLayout
from training.data.cohorts.layout import read_table

DATA_VARIABLE = "HILUM_DATA"
NEGATIVE_LABEL = "NORMAL"
COLUMNS = ("path", "label", "sublabel", "split_suggested", "original_split", "patient_id", "view", "notes")
LAYOUT = f"manifest.csv with the columns {', '.join(COLUMNS)}; path is COHORT/..., relative to the folder"
FINDINGS = {"NORMAL": frozenset[str](), "PNEUMONIA": frozenset({"pneumonia"})}
# Every patient had COVID-19, whatever one image shows of the pneumonia.
FINDINGS["COVID19"] = frozenset({"pneumonia", "covid-19"})


def data_folder(given: Path | None) -> Path:
    """The folder that holds manifest.csv: `given`, or cxr/ in the folder named by HILUM_DATA."""
    named = os.environ.get(DATA_VARIABLE)
    folders = [given] if given else [Path(named) / "cxr", Path(named)] if named else [Path("../shared/data/cxr")]
    for folder in folders:
        if (folder / "manifest.csv").is_file():
            return folder
    raise SystemExit(f"no manifest.csv in {' or '.join(map(str, folders))}: give --data, or set {DATA_VARIABLE}")


def load_examples(folder: Path) -> list[Example]:
    """Every row of `folder`/manifest.csv, in the order of the file."""
    file = folder / "manifest.csv"
    if not file.is_file():
        raise WrongLayout(f"{folder}: expected manifest.csv, which is not there")
    root = folder.absolute()
    return [_example(root, row) for row in read_table(file, COLUMNS)]


def _example(root: Path, row: dict[str, str]) -> Example:
    if row["label"] not in FINDINGS:
        raise WrongLayout(f"{root / 'manifest.csv'}: unknown label {row['label']} of {row['path']}")
    if not row["patient_id"]:
        raise WrongLayout(f"{root / 'manifest.csv'}: no patient_id of {row['path']}")
    age, sex = re.search(r"\bage (\d+)", row["notes"]), re.search(r"\bsex ([MF])\b", row["notes"])
    return Example(
        path=root / row["path"],
        cohort=row["path"].split("/")[0],
        label=row["label"],
        findings=FINDINGS[row["label"]],
        split=row["split_suggested"],
        patient_id=row["patient_id"],
        view=row["view"],
        age_years=float(age.group(1)) if age else None,
        sex=sex.group(1) if sex else "",
        sublabel=row["sublabel"],
        part=row["original_split"].replace("none", ""),
    )


def _load(name: str, folder: Path) -> list[Example]:
    return [example for example in load_examples(folder) if example.cohort == name]


def _cohort(name: str, licence: str, citation: str, population: str, findings: tuple[str, ...]) -> Cohort:
    return Cohort(name, About(licence, citation, population, findings), LAYOUT, partial(_load, name))


_KERMANY = (
    "Kermany, Zhang, Goldbaum: Labeled OCT and Chest X-Ray Images, Mendeley Data, doi 10.17632/rscbjbr9sj; "
    "Kermany et al., Cell 172 (2018) 1122-1131"
)
COHORTS = (
    _cohort(
        "kermany224",
        "CC BY 4.0",
        _KERMANY,
        "children of 1 to 5 years, one hospital (Guangzhou), AP; squashed to 224 x 224, JPEG",
        ("pneumonia",),
    ),
    _cohort(
        "kermany512",
        "CC BY 4.0",
        _KERMANY,
        "a subset of the same films from the full-resolution originals, aspect kept, long side 512, JPEG",
        ("pneumonia",),
    ),
    _cohort(
        "nih512",
        "NIH Clinical Center: use unrestricted, with link, acknowledgement and citation",
        "NIH Clinical Center ChestX-ray14, https://nihcc.app.box.com/v/ChestXray-NIHCC; "
        "Wang et al., CVPR 2017, doi 10.1109/CVPR.2017.369",
        "mostly adults, one hospital (Bethesda), PA and AP; labels text-mined from reports",
        ("pneumonia",),
    ),
    _cohort(
        "hannover512",
        "CC BY 3.0",
        "Winther et al.: COVID-19 Image Repository, Hannover Medical School, doi 10.6084/m9.figshare.12275009",
        "adults with COVID-19, one hospital (Hannover), AP and PA; the label is the patient's, not the image's",
        ("pneumonia", "covid-19"),
    ),
)
