"""The cohorts of the development data: rows of manifest.csv and of two tables beside it, split by patient already."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from functools import partial
from pathlib import Path

from training.data.cohorts import kermany
from training.data.cohorts.cohort import NOTHING, About, Cohort, Example, WrongLayout
from training.data.cohorts.layout import read_table

DATA_VARIABLE = "HILUM_DATA"
NEGATIVE_LABEL = "NORMAL"
COLUMNS = ("path", "label", "sublabel", "split_suggested", "original_split", "patient_id", "view", "notes")
# Cohorts that came later have rows of their own, in COHORT/manifest_rows.csv.
LATER = ("nih64", "rsna256")
# Films of nih512 that radiologists read again; a film that is PNEUMONIA by its report and normal to them is left out.
READ_AGAIN = "nih512_rsna_normal.csv"
# Which films have an outline of their lungs, drawn by people.
OUTLINES = "lungmasks224/masks.csv"
LAYOUT = f"manifest.csv with the columns {', '.join(COLUMNS)}; path is COHORT/..., relative to the folder"
FINDINGS = {"NORMAL": frozenset[str](), "PNEUMONIA": frozenset({"pneumonia"})}
# Of this collection the films with pneumonia alone: how well the causes are told apart, without the healthy.
ILL = "kermany224_ill"
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
    """Every row of `folder`/manifest.csv, in the order of the file, but those that were overruled."""
    file = folder / "manifest.csv"
    if not file.is_file():
        raise WrongLayout(f"{folder}: expected manifest.csv, which is not there")
    root, overruled, masks = folder.absolute(), _overruled(folder), _masks(folder)
    rows = [row for row in read_table(file, COLUMNS) if row["path"] not in overruled]
    return [_example(root, row, file, masks.get(row["path"])) for row in rows]


def _overruled(folder: Path) -> set[str]:
    file = folder / READ_AGAIN
    if not file.is_file():
        return set()
    return {row["path"] for row in read_table(file, ("path", "label")) if row["label"] == "PNEUMONIA"}


def _masks(folder: Path) -> dict[str, str]:
    """By film, its outline, both relative to `folder`."""
    file = folder / OUTLINES
    return {row["path"]: row["mask"] for row in read_table(file, ("path", "mask"))} if file.is_file() else {}


def _load_later(name: str, folder: Path) -> list[Example]:
    """The healthy films of `name`; the others are of other findings, and six of pneumonia. Ends the program where its
    table is not there."""
    file = folder / name / "manifest_rows.csv"
    if not file.is_file():
        raise WrongLayout(f"{folder}: expected {name}/manifest_rows.csv, which is not there")
    rows = read_table(file, COLUMNS)
    return [_example(folder.absolute(), row, file) for row in rows if row["label"] == NEGATIVE_LABEL]


def _example(root: Path, row: dict[str, str], file: Path, mask: str | None = None) -> Example:
    if row["label"] not in FINDINGS:
        raise WrongLayout(f"{file}: unknown label {row['label']} of {row['path']}")
    if not row["patient_id"]:
        raise WrongLayout(f"{file}: no patient_id of {row['path']}")
    age, sex = re.search(r"\bage (\d+)", row["notes"]), re.search(r"\bsex ([MF])\b", row["notes"])
    return Example(
        path=root / row["path"],
        cohort=row["path"].split("/")[0],
        label=row["label"],
        findings=FINDINGS[row["label"]] | kermany.CAUSED.get(row["sublabel"], NOTHING),
        split=row["split_suggested"],
        patient_id=row["patient_id"],
        view=row["view"],
        age_years=float(age.group(1)) if age else None,
        sex=sex.group(1) if sex else "",
        sublabel=row["sublabel"],
        part=row["original_split"].replace("none", ""),
        masks=() if mask is None else (root / mask,),
    )


def _load(name: str, folder: Path) -> list[Example]:
    return [example for example in load_examples(folder) if example.cohort == name]


def _load_ill(name: str, folder: Path) -> list[Example]:
    films = _load(name.removesuffix("_ill"), folder)
    return [replace(film, cohort=name) for film in films if film.findings]


def _cohort(name: str, licence: str, citation: str, population: str, findings: tuple[str, ...]) -> Cohort:
    load = _load_later if name in LATER else _load_ill if name == ILL else _load
    return Cohort(name, About(licence, citation, population, findings), LAYOUT, partial(load, name))


_KERMANY = (
    "Kermany, Zhang, Goldbaum: Labeled OCT and Chest X-Ray Images, Mendeley Data, doi 10.17632/rscbjbr9sj; "
    "Kermany et al., Cell 172 (2018) 1122-1131"
)
_NIH = (
    "NIH Clinical Center ChestX-ray14, https://nihcc.app.box.com/v/ChestXray-NIHCC; "
    "Wang et al., CVPR 2017, doi 10.1109/CVPR.2017.369"
)
COHORTS = (
    _cohort(
        "kermany224",
        "CC BY 4.0",
        _KERMANY,
        "children of 1 to 5 years, one hospital (Guangzhou), AP; squashed to 224 x 224, JPEG",
        kermany.ABOUT.findings,
    ),
    _cohort(
        ILL,
        "CC BY 4.0",
        _KERMANY,
        "the films of kermany224 with pneumonia; what caused it was read from the file names",
        kermany.ABOUT.findings[1:],
    ),
    _cohort(
        "kermany512",
        "CC BY 4.0",
        _KERMANY,
        "a subset of the same films from the full-resolution originals, aspect kept, long side 512, JPEG",
        kermany.ABOUT.findings,
    ),
    _cohort(
        "nih512",
        "NIH Clinical Center: use unrestricted, with link, acknowledgement and citation",
        _NIH,
        "mostly adults, one hospital (Bethesda), PA and AP; labels text-mined from reports; 26 pneumonia films that "
        "radiologists of the RSNA challenge called normal left out",
        ("pneumonia",),
    ),
    _cohort(
        "nih64",
        "NIH Clinical Center: use unrestricted, with link, acknowledgement and citation",
        _NIH,
        "mostly adults, one hospital (Bethesda), PA and AP, 64 x 64; labels text-mined from reports; healthy films "
        "only",
        ("pneumonia",),
    ),
    _cohort(
        "rsna256",
        "RSNA: any purpose, with attribution; NIH: use unrestricted, with link, acknowledgement and citation",
        f"{_NIH}; Shih et al., Radiology: Artificial Intelligence 1(1) (2019), doi 10.1148/ryai.2019180041",
        "mostly adults, one hospital (Bethesda), 256 x 256; normal to the radiologists of the RSNA challenge",
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
