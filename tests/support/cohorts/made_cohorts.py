"""Draws folders laid out exactly as the cohorts are published, with pictures of a few pixels in them.

Others may train on them: `side` makes larger pictures, `patients` more of them. The pictures of a label differ from
those of the others in a way that a network can learn.
"""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import cv2
import numpy as np

from converter.phantom.chest_sketch import sketch_chest
from tests.support.dicom.phantoms import make_dx

SIDE = 24
SHADES, SHADES_SIDE = 0.12, 6


def picture(path: Path, seed: int, brightness: float = 0.0, side: int = SIDE) -> Path:
    """A small film of its own `seed`; `brightness` (0..1) lightens its lower half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    film = sketch_chest(side, side, seed=seed, noise=0.1)
    # Fine noise is gone in a thumbnail of 32 pixels: without shades of its own, a large film would be every other one.
    shades = np.random.default_rng(seed).normal(0, SHADES, (SHADES_SIDE, SHADES_SIDE))
    film = film + cv2.resize(shades, (side, side), interpolation=cv2.INTER_CUBIC)
    film[side // 2 :] += brightness * 0.5
    if not cv2.imwrite(str(path), np.rint(np.clip(film, 0, 1) * 255).astype(np.uint8)):
        raise OSError(f"{path} cannot be written")
    return path


def dicom(path: Path, seed: int, **attributes: Any) -> Path:
    """A small DX image with the given attributes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    make_dx(rows=SIDE, columns=SIDE, seed=seed, **attributes).save_as(path, enforce_file_format=True)
    return path


def table(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def spreadsheet(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    """An .xlsx file as Excel writes it: text in shared strings, cells with their places."""
    strings = list(dict.fromkeys(text for row in rows for text in row))
    cells = "".join(
        f'<row r="{r}">'
        + "".join(
            f'<c r="{chr(65 + c)}{r}" t="s"><v>{strings.index(text)}</v></c>' for c, text in enumerate(row) if text
        )
        + "</row>"
        for r, row in enumerate(rows, start=1)
    )
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    items = "".join(f"<si><t>{escape(text)}</t></si>" for text in strings)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/sharedStrings.xml", f"<sst {space}>{items}</sst>")
        archive.writestr("xl/worksheets/sheet1.xml", f"<worksheet {space}><sheetData>{cells}</sheetData></worksheet>")
    return path


def kermany(folder: Path, patients: int = 3, side: int = SIDE) -> Path:
    """The Kaggle copy."""
    root = folder / "chest_xray"
    for offset, part in enumerate(("train", "test", "val")):
        for n in range(1, patients + 1):
            seed = 1000 * offset + n
            picture(root / part / "NORMAL" / f"IM-{seed:04}-0001.jpeg", seed, 0, side)
            picture(
                root / part / "PNEUMONIA" / f"person{n + 50 * (part == 'val')}_bacteria_{n}.jpeg", seed + 100, 1, side
            )
        picture(root / part / "NORMAL" / f"NORMAL2-IM-{1400 + offset}-0001-0002.jpeg", 300 + offset, 0, side)
        picture(root / part / "PNEUMONIA" / f"person1_virus_{9 + offset}.jpeg", 400 + offset, 1, side)
    return folder


def kermany_mendeley(folder: Path) -> Path:
    root = folder / "chest_xray"
    for part in ("train", "test"):
        picture(root / part / "NORMAL" / "NORMAL-1003233-0001.jpeg", 1)
        picture(root / part / "PNEUMONIA" / "BACTERIA-1008087-0001.jpeg", 2)
        picture(root / part / "PNEUMONIA" / "BACTERIA-1008087-0002.jpeg", 3)
        picture(root / part / "PNEUMONIA" / "VIRUS-1000324-0001.jpeg", 4)
    return folder


RSNA_CLASSES = ("Normal", "No Lung Opacity / Not Normal", "Lung Opacity", "Lung Opacity")


def rsna(folder: Path, mapping: bool = True) -> Path:
    images = [f"{n:08x}-b2a2-4a53-9a0d-{n:012x}" for n in range(1, 5)]
    boxes = {images[2]: [(264, 152, 213, 379), (562, 152, 256, 453)], images[3]: [(1, 2, 3, 4)]}
    labels: list[list[object]] = []
    for n, image in enumerate(images):
        dicom(
            folder / "stage_2_train_images" / f"{image}.dcm",
            n + 1,
            PatientID=image,
            PatientAge="51",
            PatientSex="F",
            ViewPosition="AP",
        )
        labels += [[image, *box, 1] for box in boxes.get(image, [])] or [[image, "", "", "", "", 0]]
    dicom(folder / "stage_2_test_images" / "0000a175.dcm", 9)
    table(folder / "stage_2_train_labels.csv", ("patientId", "x", "y", "width", "height", "Target"), labels)
    classes = [[row[0], RSNA_CLASSES[images.index(str(row[0]))]] for row in labels]
    table(folder / "stage_2_detailed_class_info.csv", ("patientId", "class"), classes)
    if mapping:
        rows = [{"subset_img_id": image, "img_id": f"{n // 2 + 7:08}_00{n}.png"} for n, image in enumerate(images)]
        (folder / "pneumonia-challenge-dataset-mappings_2018.json").write_text(json.dumps(rows))
    return folder


def covid_radiography(folder: Path, films: int = 2, side: int = SIDE) -> Path:
    root = folder / "COVID-19_Radiography_Dataset"
    for k, label in enumerate(("COVID", "Lung_Opacity", "Normal", "Viral Pneumonia")):
        rows = [("FILE NAME", "FORMAT", "SIZE", "URL")]
        for n in range(1, films + 1):
            picture(root / label / "images" / f"{label}-{n}.png", 10_000 * k + n, k / 3, side)
            picture(root / label / "masks" / f"{label}-{n}.png", 90_000 + n, 0, side)
            name = f"{label}-{n}".upper() if label == "Normal" else f"{label}-{n}"
            rows.append((name, "PNG", "299*299" if label != "Normal" else "256*256", f"https://source.example/{k}"))
        spreadsheet(root / f"{label}.metadata.xlsx", rows)
    (root / "README.md.txt").write_text("as published")
    return folder


def montgomery(folder: Path, patients: int = 2, side: int = SIDE) -> Path:
    root = folder / "MontgomerySet"
    for n in range(1, patients + 1):
        for sick in (0, 1):
            name = f"MCUCXR_{n + 100 * sick:04}_{sick}"
            picture(root / "CXR_png" / f"{name}.png", n + 10_000 * sick, sick, side)
            (root / "ClinicalReadings").mkdir(exist_ok=True)
            text = f"Patient's Sex: F \nPatient's Age: 0{20 + n}Y\n{'TB of the left apex' if sick else 'normal'}\n"
            (root / "ClinicalReadings" / f"{name}.txt").write_text(text)
    picture(root / "CXR_png" / "MCUCXR_0301_1.png", 301, 1, side)
    same = "Patient's Sex: O \nPatient's Age: 049Y\nNO REPORT (same pt as MCUCXR_0101_1)\n"
    (root / "ClinicalReadings" / "MCUCXR_0301_1.txt").write_text(same)
    for file in sorted((root / "CXR_png").glob("*.png"))[:-1]:
        for half, side_of in enumerate(("leftMask", "rightMask")):
            mask = np.zeros((side, side), np.uint8)
            mask[side // 4 : -side // 4, half * side // 2 :][:, : side // 2] = 255
            (root / "ManualMask" / side_of).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(root / "ManualMask" / side_of / file.name), mask)
    return folder


def shenzhen(folder: Path, patients: int = 2, side: int = SIDE) -> Path:
    root = folder / "ChinaSet_AllFiles"
    for n in range(1, patients + 1):
        for sick in (0, 1):
            name = f"CHNCXR_{n + 326 * sick:04}_{sick}"
            picture(root / "CXR_png" / f"{name}.png", n + 10_000 * sick, sick, side)
            (root / "ClinicalReadings").mkdir(exist_ok=True)
            text = "male 45yrs\nnormal\n" if not sick else "femal, 16month  \t\nbilateral secondary PTB\n"
            (root / "ClinicalReadings" / f"{name}.txt").write_text(text)
    return folder


def tbx11k(folder: Path, films: int = 2, side: int = SIDE) -> Path:
    root = folder / "TBX11K"
    lists: dict[str, list[str]] = {"train": [], "val": []}
    images, annotations = list[dict[str, object]](), list[dict[str, object]]()
    for k, part in enumerate(lists):
        for c, (label, letter) in enumerate((("health", "h"), ("sick", "s"), ("tb", "tb"))):
            for n in range(1, films + 1):
                name = f"{label}/{letter}{1000 * k + n:04}.png"
                picture(root / "imgs" / name, 10_000 * (3 * k + c) + n, float(label == "tb"), side)
                lists[part].append(name)
                if label == "tb":
                    images.append({"id": len(images) + 1, "file_name": name, "width": 512, "height": 512})
                    box = {"image_id": len(images), "category_id": 1 + k, "bbox": [10.5, 20, 30, 40]}
                    annotations.append({"id": len(images), **box})
    picture(root / "imgs" / "test" / "0001.png", 77, 0, side)
    picture(root / "imgs" / "extra" / "da+db" / "x.png", 78, 0, side)
    for part, names in lists.items():
        (root / "lists").mkdir(exist_ok=True)
        (root / "lists" / f"TBX11K_{part}.txt").write_text("\n".join(names) + "\n")
    kinds = ("ActiveTuberculosis", "ObsoletePulmonaryTuberculosis", "PulmonaryTuberculosis")
    categories = [{"id": n, "name": name} for n, name in enumerate(kinds, start=1)]
    file = root / "annotations" / "json" / "TBX11K_trainval_only_tb.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return folder


def brain_yes_no(folder: Path, slices: int = 2, side: int = SIDE) -> Path:
    for n in range(1, slices + 1):
        picture(folder / "yes" / f"Y{n}.jpg", n, 1, side)
        picture(folder / "no" / f"{n} no.jpeg", 10_000 + n, 0, side)
    return folder


def brain_classes(folder: Path, slices: int = 2, side: int = SIDE) -> Path:
    for part in ("Training", "Testing"):
        for k, label in enumerate(("glioma", "meningioma", "notumor", "pituitary")):
            for n in range(slices):
                seed = 100_000 * (part == "Testing") + 10_000 * k + n
                picture(folder / part / label / f"{part[:2]}-{label[:2]}_{n:04}.jpg", seed, k / 3, side)
    return folder


def brain_ct_mri(folder: Path) -> Path:
    for k, (kind, name) in enumerate((("ct", "Brain Tumor CT scan Images"), ("mri", "Brain Tumor MRI images"))):
        picture(folder / name / "Healthy" / f"{kind}_healthy (1).jpg", 10 * k + 1)
        picture(folder / name / "Tumor" / f"{kind}_tumor (1).jpg", 10 * k + 2)
    return folder


NIH_HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],\n"
)


def nih14(folder: Path) -> Path:
    rows = [
        ("00000001_000.png", "Cardiomegaly|Emphysema", 1, "058", "M", "PA"),
        ("00000001_001.png", "No Finding", 1, "414", "M", "AP"),
        ("00000002_000.png", "Pneumonia|Pleural_Thickening", 2, "80", "F", "AP"),
    ]
    text = NIH_HEADER
    for n, (film, labels, patient, age, sex, view) in enumerate(rows):
        picture(folder / f"images_{n + 1:03}" / "images" / film, n)
        text += f"{film},{labels},0,{patient},{age},{sex},{view},2682,2749,0.143,0.143,\n"
    (folder / "Data_Entry_2017.csv").write_text(text)
    (folder / "train_val_list.txt").write_text("00000001_000.png\n00000001_001.png")
    (folder / "test_list.txt").write_text("00000002_000.png\n")
    boxes = (
        "Image Index,Finding Label,Bbox [x,y,w,h],,,\n00000002_000.png,Infiltrate,225.084,547.019,86.779,79.186,,,\n"
    )
    (folder / "BBox_List_2017.csv").write_text(boxes)
    return folder


def hannover(folder: Path) -> Path:
    header = ("patient_id", "image_id", "sex", "age", "size", "weight", "admission_offset", "modality", "projection")
    rows = [
        ("042f06a9", "b343e657", "m", "", "", "", 0, "CR", "ap"),
        ("0a359802", "61bc50d1", "w", "", "", "", 0, "DX", "pa"),
    ]
    table(folder / "data.csv", header, rows)
    for n, row in enumerate(rows):
        picture(folder / "png" / f"{row[1]}.png", n)
    return folder


OWN = """name: st-elsewhere
licence: internal
citation: St. Elsewhere, 2026
population: adults
labels: {normal: [], pneumonia: [pneumonia], both: [pneumonia, effusion]}
"""


def image_folder(folder: Path) -> Path:
    for k, label in enumerate(("normal", "pneumonia", "both")):
        picture(folder / label / f"anna_{label}.png", k)
        picture(folder / label / "deeper" / f"bert_{label}.png", k + 10)
    (folder / "cohort.yaml").write_text(OWN + 'patient_pattern: "^([^_]+)_"\n')
    return folder


def dicom_folder(folder: Path) -> Path:
    (folder / "cohort.yaml").parent.mkdir(parents=True, exist_ok=True)
    (folder / "cohort.yaml").write_text(OWN)
    dicom(folder / "a" / "1.dcm", 1, PatientID="SECRET-1", PatientAge="042Y", PatientSex="M", ViewPosition="PA")
    dicom(folder / "b" / "2.dcm", 2, PatientID=None, PatientAge=None, PatientSex=None, ViewPosition=None)
    header = ("file", "label", "patient_id", "view", "age", "sex", "split")
    rows = [
        ("a/1.dcm", "normal", "", "", "", "", "test"),
        ("b/2.dcm", "pneumonia|both", "SECRET-2", "ap", "7M", "f", ""),
    ]
    table(folder / "labels.csv", header, rows)
    return folder


def brain_kinds(folder: Path, slices: int = 1, side: int = SIDE) -> Path:
    """`slices` of each kind to learn from and half as many in the other splits, listed."""
    rows = ["path,label,sublabel,split_suggested,notes"]
    for k, label in enumerate(("GLIOMA", "MENINGIOMA", "PITUITARY")):
        for part, split in enumerate(("train", "val", "devtest", "left out")):
            for n in range(slices if split == "train" else max(1, slices // 2)):
                name = f"cheng224/{label}/{split[:5].strip()}-{n}.jpg"
                picture(folder / name, 100_000 * part + 10_000 * k + n, k / 3, side)
                rows.append(f"{name},{label},,{split},order {n}.0; similarity to its place 1.000")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


MADE: dict[str, Callable[[Path], Path]] = {
    "kermany": kermany,
    "rsna": rsna,
    "nih14": nih14,
    "covid_radiography": covid_radiography,
    "hannover": hannover,
    "montgomery": montgomery,
    "shenzhen": shenzhen,
    "tbx11k": tbx11k,
    "brain_yes_no": brain_yes_no,
    "brain_classes": brain_classes,
    "brain_ct_mri": brain_ct_mri,
    "brain_kinds": brain_kinds,
    "image_folder": image_folder,
    "image_table": dicom_folder,
}
