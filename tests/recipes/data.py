"""Data for a recipe: a part of the development films where its cohorts are among them, else drawn published trees."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tests.recipes.own_films import OWN_FILMS, draw_described
from tests.support.cohorts import made_cohorts
from tests.support.cohorts.data import data_dir
from training.data.cohorts import development
from training.data.recipe_data import MADE
from training.learning.recipe import Recipe

# Smaller pictures are declined by the node.
DRAWN_SIDE = 144
PATIENTS = 240
# Early stopping asks for 30 val films of either class: one patient of three leaves them.
PATIENT_SHARE = 3
MADE_WORDS = (
    "Drawn by tests/support/cohorts/made_cohorts.py in the published layout. No patient, no clinical meaning.\n"
)
IN_MANIFEST = {cohort.name for cohort in development.COHORTS}


def data_arguments(recipe: Recipe, folder: Path, patients: int = PATIENTS) -> tuple[list[str], bool]:
    """(`--data ...` of the training commands, whether pictures were drawn), after making what is not there yet."""
    drawn = [name for name in recipe.cohorts if name not in IN_MANIFEST]
    arguments = [f"--data={name}={draw(name, folder / name, patients)}" for name in drawn]
    if len(drawn) < len(recipe.cohorts):
        arguments.append(f"--data={part_of_the_films(folder / 'films')}")
    return arguments, bool(drawn)


def draw(name: str, folder: Path, patients: int, side: int = DRAWN_SIDE) -> Path:
    """The tree of cohort `name`, large enough that its val split can decide something; marked as drawn."""
    if folder.exists():
        return folder
    folder.mkdir(parents=True)
    makers = {
        "covid_radiography": partial(made_cohorts.covid_radiography, films=patients, side=side),
        "montgomery": partial(made_cohorts.montgomery, patients=patients, side=side),
        "shenzhen": partial(made_cohorts.shenzhen, patients=patients, side=side),
        "tbx11k": partial(made_cohorts.tbx11k, films=patients // 2, side=side),
        "brain_yes_no": partial(made_cohorts.brain_yes_no, slices=patients, side=side),
        OWN_FILMS: partial(draw_described, number=patients, side=side),
        "brain_kinds": partial(made_cohorts.brain_kinds, slices=patients // 2, side=side),
        "brain_classes": partial(made_cohorts.brain_classes, slices=patients // 2, side=side),
    }
    makers[name](folder)
    (folder / MADE).write_text(MADE_WORDS, encoding="utf-8")
    return folder


def part_of_the_films(folder: Path, share: int = PATIENT_SHARE) -> Path:
    """A folder like that of the development films with every `share`-th patient of each cohort and split."""
    root = data_dir()
    if root is None:
        raise SystemExit("no development radiographs: set HILUM_DATA to the folder that holds cxr/ and dicom/")
    if folder.exists():
        return folder
    folder.mkdir(parents=True)
    with (root / "cxr" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    patients = patients_of(rows, share)
    kept = [row for row in rows if row["patient_id"] in patients]
    for cohort in {row["path"].split("/")[0] for row in kept}:
        (folder / cohort).symlink_to(root / "cxr" / cohort)
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(kept)
    return folder


def patients_of(rows: Sequence[dict[str, str]], share: int) -> set[str]:
    groups: dict[tuple[str, str, str], dict[str, None]] = {}
    for row in rows:
        key = (row["path"].split("/")[0], row["split_suggested"], row["label"])
        groups.setdefault(key, {})[row["patient_id"]] = None
    return {patient for patients in groups.values() for patient in list(patients)[::share]}
