"""The images to learn from: one module a cohort, and the table of all of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from training.data.cohorts import (
    brain_classes,
    brain_ct_mri,
    brain_kinds,
    brain_yes_no,
    covid_radiography,
    development,
    hannover,
    image_folder,
    image_table,
    kermany,
    montgomery,
    nih14,
    own_data,
    rsna,
    shenzhen,
    tbx11k,
)
from training.data.cohorts.cohort import About, Box, Cohort, CohortModule, Example, WrongLayout
from training.data.cohorts.development import data_folder, load_examples

PUBLISHED: dict[str, CohortModule] = {
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
}
OWN: dict[str, CohortModule] = {"image_folder": image_folder, "image_table": image_table}
COHORTS: dict[str, Cohort] = {cohort.name: cohort for cohort in development.COHORTS} | {
    name: Cohort(name, module.ABOUT, module.LAYOUT, module.load) for name, module in (PUBLISHED | OWN).items()
}


def cohort_at(name: str, folder: Path) -> Cohort:
    """The cohort `name`; images of your own by the kind of their folder, or by the name that its cohort.yaml states."""
    if name in COHORTS and name not in OWN:
        return COHORTS[name]
    if name not in OWN and not (folder / own_data.FILE).is_file():
        raise SystemExit(f"unknown cohort {name}: expected one of {', '.join(COHORTS)}, or {own_data.FILE} in {folder}")
    own = own_data.read_own_cohort(folder)
    kind = name
    if name not in OWN:
        if own.name != name:
            raise SystemExit(f"{folder}: expected the cohort {name}, but {own_data.FILE} names {own.name}")
        kind = "image_table" if (folder / image_table.LABELS).is_file() else "image_folder"
    return replace(COHORTS[kind], name=own.name, about=own.about)


__all__ = [
    "COHORTS",
    "OWN",
    "PUBLISHED",
    "About",
    "Box",
    "Cohort",
    "Example",
    "WrongLayout",
    "cohort_at",
    "data_folder",
    "load_examples",
]
