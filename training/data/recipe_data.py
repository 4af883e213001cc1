"""The examples that a recipe names, from the folders they lie in."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from training.data.cohorts import COHORTS, OWN, Cohort, Example, cohort_at, data_folder, development
from training.data.splits import divide, with_saved_split

# Lies in a folder of drawn pictures: what was trained on them has no clinical meaning, and its card says so.
MADE = "MADE.txt"
IN_THE_MANIFEST = {cohort.name for cohort in development.COHORTS}


def load_recipe_data(cohorts: Iterable[str], given: Sequence[str], saved: Path | None = None) -> list[Example]:
    """Every example of `cohorts`, in a split each; ends the program where one is unknown, missing or leaks.

    `saved`: split.csv of the run that the images belong to; without it, what has no split is divided.
    """
    examples: list[Example] = []
    for cohort, folder in recipe_cohorts(cohorts, given).values():
        examples += cohort.load(folder)
    return divide(examples) if saved is None else with_saved_split(saved, examples)


def recipe_cohorts(cohorts: Iterable[str], given: Sequence[str]) -> dict[str, tuple[Cohort, Path]]:
    """What is known about each cohort of a recipe, and its folder.

    Own images, named as their cohort.yaml says, are entered in COHORTS: whoever asks there learns what they show.
    """
    known = {name: (cohort_at(name, folder), folder) for name, folder in folders(cohorts, given).items()}
    COHORTS.update({name: cohort for name, (cohort, _) in known.items()})
    return known


def folders(cohorts: Iterable[str], given: Sequence[str]) -> dict[str, Path]:
    named = {name: Path(folder) for name, equals, folder in (one.partition("=") for one in given) if equals}
    plain = [Path(one) for one in given if "=" not in one]
    strangers = {*cohorts} - set(COHORTS) - set(named)
    if strangers:
        known = ", ".join(sorted(set(COHORTS) - set(OWN)))
        raise SystemExit(f"unknown cohort {', '.join(sorted(strangers))}; known are {known}, and those given by --data")
    if OWN.keys() & {*cohorts}:
        raise SystemExit(
            "a recipe names a cohort of your own as its cohort.yaml does, and --data NAME=FOLDER says where"
        )
    found = {}
    for name in cohorts:
        if name in named:
            found[name] = named[name]
        elif name in IN_THE_MANIFEST:
            found[name] = data_folder(plain[-1] if plain else None)
        elif development.DATA_VARIABLE in os.environ:
            found[name] = Path(os.environ[development.DATA_VARIABLE]) / name
        else:
            raise SystemExit(f"where is {name}? Give --data {name}=FOLDER, or set {development.DATA_VARIABLE}")
    return found
