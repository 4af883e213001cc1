"""RSNA Pneumonia Detection Challenge 2018: DICOM films of NIH, read again by radiologists, with boxes.

`patientId` names an image, not a patient. Which films are of one patient is said by a file that RSNA publishes apart,
pneumonia-challenge-dataset-mappings_2018.json: put it beside the tables, or the films of one patient may be divided.
Its keys subset_img_id and img_id are known from code that reads it; the file itself was not at hand. The labels of the
test images were not published: only stage_2_train_images is read.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path

from training.data.cohorts.cohort import NOTHING, About, Box, Example, WrongLayout
from training.data.cohorts.dicom import described
from training.data.cohorts.layout import is_there, read_table, root_of, text_of, without_images

ABOUT = About(
    licence="RSNA terms of use: research, education and other purposes, commercial ones too, with attribution",
    citation="RSNA Pneumonia Detection Challenge 2018; Shih et al., Radiology: Artificial Intelligence 1 (2019) "
    "e180041, doi 10.1148/ryai.2019180041; images of NIH ChestX-ray14, Wang et al., CVPR 2017",
    population="mostly adults, one hospital (Bethesda), PA and AP; lung opacity that may be pneumonia, by radiologists",
    findings=("pneumonia",),
)
LAYOUT = (
    "stage_2_train_images/PATIENTID.dcm, stage_2_train_labels.csv (patientId, x, y, width, height, Target), "
    "stage_2_detailed_class_info.csv (patientId, class); pneumonia-challenge-dataset-mappings_2018.json if there"
)
IMAGES, LABELS = "stage_2_train_images", "stage_2_train_labels.csv"
CLASSES, MAPPING = "stage_2_detailed_class_info.csv", "pneumonia-challenge-dataset-mappings_2018.json"
FINDINGS = {
    "Lung Opacity": frozenset({"pneumonia"}),
    "No Lung Opacity / Not Normal": NOTHING,
    "Normal": NOTHING,
}


def load(folder: Path) -> list[Example]:
    """One example an image, with the boxes of all its rows."""
    root = root_of(folder, "rsna-pneumonia-detection-challenge", holds=(IMAGES, LABELS, CLASSES))
    boxes: dict[str, list[Box]] = defaultdict(list)
    for row in read_table(root / LABELS, ("patientId", "x", "y", "width", "height", "Target")):
        boxes[row["patientId"]] += [_box(root / LABELS, row)] if row["Target"] == "1" else []
    labels = {row["patientId"]: row["class"] for row in read_table(root / CLASSES, ("patientId", "class"))}
    unlike = [
        image
        for image in labels.keys() | boxes.keys()
        if labels.get(image) not in FINDINGS or bool(boxes.get(image)) != bool(FINDINGS[labels[image]])
    ]
    if unlike:
        raise WrongLayout(f"{root}: {LABELS} and {CLASSES} do not say the same of {len(unlike)} images, {min(unlike)}")
    patients = _patients(root / MAPPING)
    there = [image for image in labels if is_there(root / IMAGES / f"{image}.dcm")]
    without_images(root / CLASSES, sorted(labels.keys() - set(there)), len(labels))
    return [_example(root, image, labels[image], tuple(boxes[image]), patients) for image in there]


def _box(file: Path, row: dict[str, str]) -> Box:
    try:
        return float(row["x"]), float(row["y"]), float(row["width"]), float(row["height"])
    except ValueError:
        raise WrongLayout(f"{file}: expected a box for {row['patientId']}, found {row}") from None


def _patients(mapping: Path) -> dict[str, str]:
    """Image -> NIH patient; empty where the mapping is not there."""
    if not mapping.is_file():
        print(f"{mapping.name} is not there: films of one patient may come to lie in two splits", file=sys.stderr)
        return {}
    try:
        rows = json.loads(text_of(mapping))
        return {row["subset_img_id"]: f"nih:{int(row['img_id'].split('_')[0])}" for row in rows}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WrongLayout(f"{mapping}: expected a list of subset_img_id and img_id: {error!r}") from error


def _example(root: Path, image: str, label: str, boxes: tuple[Box, ...], patients: dict[str, str]) -> Example:
    path = root / IMAGES / f"{image}.dcm"
    header = described(path)
    return Example(
        path=path,
        cohort="rsna",
        label=label,
        findings=FINDINGS[label],
        split="",
        patient_id=patients.get(image, f"rsna:{image}"),
        view=header.view,
        age_years=header.age_years,
        sex=header.sex,
        boxes=boxes,
        box_findings=("pneumonia",) * len(boxes),
        part="train",
    )
