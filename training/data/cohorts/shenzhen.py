"""Tuberculosis films of Shenzhen No. 3 People's Hospital, as the National Library of Medicine publishes them.

Which films are PA and which AP is not said; the view stays unknown.
"""

from __future__ import annotations

import re
from pathlib import Path

from training.data.cohorts import readings
from training.data.cohorts.cohort import NOTHING, About, Example, WrongLayout
from training.data.cohorts.layout import images_in, root_of

ABOUT = About(
    licence="public for research with acknowledgement; the lung masks published later are CC BY-NC-SA 4.0",
    citation="Jaeger et al., Quantitative Imaging in Medicine and Surgery 4 (2014) 475-477; National Library of "
    "Medicine and Shenzhen No. 3 People's Hospital",
    population="out-patients of one hospital (Shenzhen), PNG of about 3,000 x 3,000; 326 normal, 336 tuberculosis",
    findings=("tuberculosis",),
)
LAYOUT = "ChinaSet_AllFiles/CXR_png/CHNCXR_0001_0.png (_0 normal, _1 abnormal), ClinicalReadings/CHNCXR_0001_0.txt"
LABELS = {"0": ("normal", NOTHING), "1": ("tuberculosis", frozenset({"tuberculosis"}))}


def load(folder: Path) -> list[Example]:
    """Every film; each number is a patient."""
    root = root_of(folder, "ChinaSet_AllFiles", holds=("CXR_png", "ClinicalReadings"))
    return [_example(root, file) for file in images_in(root / "CXR_png")]


def _example(root: Path, file: Path) -> Example:
    named = re.fullmatch(r"CHNCXR_(\d+)_([01])", file.stem)
    if named is None:
        raise WrongLayout(f"{file}: expected a name such as CHNCXR_0001_0, found {file.stem}")
    text = root / "ClinicalReadings" / f"{file.stem}.txt"
    reading = readings.shenzhen(text.read_text(encoding="utf-8", errors="replace") if text.is_file() else "")
    label, findings = LABELS[named[2]]
    return Example(
        path=file,
        cohort="shenzhen",
        label=label,
        findings=findings,
        split="",
        patient_id=f"shenzhen:{named[1]}",
        age_years=reading.age_years,
        sex=reading.sex,
        sublabel=reading.text,
    )
