"""Tuberculosis screening films of Montgomery County, as the National Library of Medicine publishes them."""

from __future__ import annotations

import re
from pathlib import Path

from training.data.cohorts import readings
from training.data.cohorts.cohort import NOTHING, About, Example, WrongLayout
from training.data.cohorts.layout import images_in, root_of, there

ABOUT = About(
    licence="own terms: not to be shared outside the research group; acknowledge the source",
    citation="Jaeger et al., Quantitative Imaging in Medicine and Surgery 4 (2014) 475-477; National Library of "
    "Medicine and Montgomery County, Maryland",
    population="screening of one county (Maryland), PA, 12-bit PNG of about 4,000 x 4,900; 80 normal, 58 abnormal",
    findings=("tuberculosis",),
)
LAYOUT = (
    "MontgomerySet/CXR_png/MCUCXR_0001_0.png (_0 normal, _1 abnormal), ClinicalReadings/MCUCXR_0001_0.txt, "
    "ManualMask/{leftMask,rightMask}/MCUCXR_0001_0.png"
)
LABELS = {"0": ("normal", NOTHING), "1": ("tuberculosis", frozenset({"tuberculosis"}))}


def load(folder: Path) -> list[Example]:
    """Every film; one whose reading says that it shows the patient of another film shares that patient."""
    root = root_of(folder, "MontgomerySet", holds=("CXR_png", "ClinicalReadings"))
    return [_example(root, file) for file in images_in(root / "CXR_png")]


def _example(root: Path, file: Path) -> Example:
    named = re.fullmatch(r"MCUCXR_(\d+)_([01])", file.stem)
    if named is None:
        raise WrongLayout(f"{file}: expected a name such as MCUCXR_0001_0, found {file.stem}")
    text = root / "ClinicalReadings" / f"{file.stem}.txt"
    reading = readings.montgomery(text.read_text(encoding="utf-8", errors="replace") if text.is_file() else "")
    same = re.search(r"same pt as MCUCXR_(\d+)", reading.text)
    label, findings = LABELS[named[2]]
    return Example(
        path=file,
        cohort="montgomery",
        label=label,
        findings=findings,
        split="",
        patient_id=f"montgomery:{same[1] if same else named[1]}",
        view="PA",
        age_years=reading.age_years,
        sex=reading.sex,
        sublabel=reading.text,
        masks=there(*(root / "ManualMask" / side / file.name for side in ("leftMask", "rightMask"))),
    )
