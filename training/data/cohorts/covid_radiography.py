"""COVID-19 Radiography Database (Qatar University and Dhaka): four class folders with images and lung masks.

The films come from many places, RSNA and Kermany among them: never learn from one and measure on the other without the
search for near-duplicates. The publication names no patients, so each film counts as a patient of its own and films
that are nearly the same are joined later. Spreadsheets say NORMAL-1 of Normal-1.png: names are compared in lower case.
"""

from __future__ import annotations

from pathlib import Path

from training.data.cohorts.cohort import NOTHING, About, Example, WrongLayout
from training.data.cohorts.layout import images_in, root_of, there
from training.data.cohorts.spreadsheet import read_rows

ABOUT = About(
    licence="none stated for the whole; each source has its own. Not to be shipped, nor weights that learned from it",
    citation="Chowdhury et al., IEEE Access 8 (2020) 132665-132676; Rahman et al., Computers in Biology and Medicine "
    "132 (2021) 104319",
    population="mixed: children (Kermany) and adults of many hospitals, 299 x 299 PNG",
    findings=("covid-19", "lung-opacity", "viral-pneumonia"),
)
LAYOUT = (
    "COVID-19_Radiography_Dataset/{COVID,Lung_Opacity,Normal,Viral Pneumonia}/{images,masks}/*.png and "
    "CLASS.metadata.xlsx (FILE NAME, FORMAT, SIZE, URL) beside the folders"
)
FINDINGS = {
    "COVID": frozenset({"covid-19"}),
    "Lung_Opacity": frozenset({"lung-opacity"}),
    "Normal": NOTHING,
    "Viral Pneumonia": frozenset({"viral-pneumonia"}),
}


def load(folder: Path) -> list[Example]:
    """Every film of images/, with the outline of its lungs in masks/ where there is one."""
    holds = [name for label in FINDINGS for name in (label, f"{label}.metadata.xlsx")]
    root = root_of(folder, "COVID-19_Radiography_Dataset", holds=holds)
    return [example for label in FINDINGS for example in _films(root, label)]


def _films(root: Path, label: str) -> list[Example]:
    sheet = root / f"{label}.metadata.xlsx"
    rows = read_rows(sheet)
    if not rows or "FILE NAME" not in rows[0]:
        raise WrongLayout(f"{sheet}: expected the column FILE NAME, found {', '.join(rows[0]) if rows else 'no rows'}")
    sources = {row["FILE NAME"].strip().lower(): row.get("URL", "") for row in rows if "FILE NAME" in row}
    return [
        Example(
            path=file,
            cohort="covid_radiography",
            label=label,
            findings=FINDINGS[label],
            split="",
            patient_id=f"covid-radiography:{file.stem}",
            sublabel=sources.get(file.stem.lower(), ""),
            masks=there(root / label / "masks" / file.name),
        )
        for file in images_in(root / label / "images")
    ]
