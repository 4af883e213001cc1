"""The images to learn from: one module a cohort, and the table of all of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from training.cohorts import (
    brain_classes,
    brain_ct_mri,
    brain_yes_no,
    covid_radiography,
    development,
    dicom_folder,
    hannover,
    image_folder,
    kermany,
    montgomery,
    nih14,
    rsna,
    shenzhen,
    tbx11k,
)
from training.cohorts.cohort import About, Box, Cohort, CohortModule, Example, WrongLayout
from training.cohorts.development import data_folder, load_examples
from training.cohorts.own_data import read_own_cohort

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
}
OWN: dict[str, CohortModule] = {"image_folder": image_folder, "dicom_folder": dicom_folder}
COHORTS: dict[str, Cohort] = {cohort.name: cohort for cohort in development.COHORTS} | {
    name: Cohort(name, module.ABOUT, module.LAYOUT, module.load) for name, module in (PUBLISHED | OWN).items()
}


def cohort_at(name: str, folder: Path) -> Cohort:
    """The cohort `name`; of images of your own the one that cohort.yaml in `folder` describes, under its own name."""
    if name not in COHORTS:
        raise SystemExit(f"unknown cohort {name}: expected one of {', '.join(COHORTS)}")
    if name not in OWN:
        return COHORTS[name]
    own = read_own_cohort(folder)
    return replace(COHORTS[name], name=own.name, about=own.about)


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
