"""NIH ChestX-ray14: 14 findings text-mined from reports, patient numbers, published lists, boxes of 880 films.

Both editions of the table are read: Data_Entry_2017.csv (Patient Gender) and Data_Entry_2017_v2020.csv (Patient Sex).
Ages above 120, which the first edition has, count as unknown. Boxes are in pixels of the published 1024 x 1024 films.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from training.data.cohorts.cohort import About, Box, Example, WrongLayout
from training.data.cohorts.layout import found_in, read_list, read_rows, read_table, root_of, without_images

FINDING_OF = {
    "Atelectasis": "atelectasis",
    "Cardiomegaly": "cardiomegaly",
    "Consolidation": "consolidation",
    "Edema": "edema",
    "Effusion": "effusion",
    "Emphysema": "emphysema",
    "Fibrosis": "fibrosis",
    "Hernia": "hernia",
    "Infiltration": "infiltration",
    "Mass": "mass",
    "Nodule": "nodule",
    "Pleural_Thickening": "pleural-thickening",
    "Pneumonia": "pneumonia",
    "Pneumothorax": "pneumothorax",
}
ABOUT = About(
    licence="NIH Clinical Center: use unrestricted, with link, acknowledgement and citation",
    citation="NIH Clinical Center ChestX-ray14, https://nihcc.app.box.com/v/ChestXray-NIHCC; "
    "Wang et al., CVPR 2017, doi 10.1109/CVPR.2017.369",
    population="mostly adults, one hospital (Bethesda), PA and AP; labels text-mined from reports, about half of the "
    "pneumonias show no airspace opacity",
    findings=tuple(FINDING_OF.values()),
)
LAYOUT = (
    "images_001/images/00000001_000.png to images_012 (or images/), Data_Entry_2017.csv or Data_Entry_2017_v2020.csv, "
    "train_val_list.txt, test_list.txt, BBox_List_2017.csv"
)
TABLES = ("Data_Entry_2017_v2020.csv", "Data_Entry_2017.csv")
LISTS = {"train_val": "train_val_list.txt", "test": "test_list.txt"}
BOXES = "BBox_List_2017.csv"
BOX_NAMES = {**FINDING_OF, "Infiltrate": "infiltration"}
COLUMNS = ("Image Index", "Finding Labels", "Patient ID", "Patient Age", "View Position")
AGE_YEARS_MAX = 120


def load(folder: Path) -> list[Example]:
    """Every film of the table that is there; the published test list stays apart."""
    root = root_of(folder, holds=(*LISTS.values(), BOXES))
    table = next((root / name for name in TABLES if (root / name).is_file()), None)
    if table is None:
        raise WrongLayout(f"{root}: expected {' or '.join(TABLES)}, found {found_in(root)}")
    part_of = {name: part for part, listed in LISTS.items() for name in read_list(root / listed)}
    boxes = _boxes(root / BOXES)
    films = {file.name: file for pattern in ("images_*/images/*.png", "images/*.png") for file in root.glob(pattern)}
    rows = read_table(table, COLUMNS)
    examples = [
        _example(table, films[row["Image Index"]], row, part_of.get(row["Image Index"], ""), boxes)
        for row in rows
        if row["Image Index"] in films
    ]
    without_images(table, [row["Image Index"] for row in rows if row["Image Index"] not in films], len(rows))
    return examples


def _boxes(file: Path) -> dict[str, list[tuple[str, Box]]]:
    """Name of a film -> finding and box. The header is `Image Index,Finding Label,Bbox [x,y,w,h],,,`: read by place."""
    found: dict[str, list[tuple[str, Box]]] = defaultdict(list)
    for row in read_rows(file)[1:]:
        try:
            x, y, width, height = map(float, row[2:6])
            found[row[0]].append((BOX_NAMES[row[1]], (x, y, width, height)))
        except (ValueError, KeyError, IndexError):
            raise WrongLayout(f"{file}: expected film, finding, x, y, w, h, found {','.join(row)}") from None
    return found


def _example(
    table: Path, film: Path, row: dict[str, str], part: str, boxes: dict[str, list[tuple[str, Box]]]
) -> Example:
    labels = row["Finding Labels"].split("|")
    unknown = set(labels) - FINDING_OF.keys() - {"No Finding"}
    if unknown:
        raise WrongLayout(f"{table}: expected No Finding or the 14 findings, found {sorted(unknown)[0]} of {film.name}")
    if not row["Patient ID"].isdecimal():
        raise WrongLayout(
            f"{table}: expected a number as Patient ID of {film.name}, found {row['Patient ID'] or 'none'}"
        )
    age = re.match(r"0*(\d+)", row["Patient Age"])
    drawn = boxes.get(film.name, [])
    return Example(
        path=film,
        cohort="nih14",
        label=row["Finding Labels"],
        findings=frozenset(FINDING_OF[label] for label in labels if label in FINDING_OF),
        split="test" if part == "test" else "",
        patient_id=f"nih:{int(row['Patient ID'])}",
        view=row["View Position"],
        age_years=float(age[1]) if age and int(age[1]) <= AGE_YEARS_MAX else None,
        sex=row.get("Patient Gender") or row.get("Patient Sex") or "",
        boxes=tuple(box for _, box in drawn),
        box_findings=tuple(finding for finding, _ in drawn),
        part=part,
    )
