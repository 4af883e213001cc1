"""The examples that a recipe names, from the folders they lie in."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from training.data.cohorts import COHORTS, OWN, PUBLISHED, Cohort, Example, cohort_at, data_folder, development
from training.data.remembered import gone, recall, recall_last, tell_of_changes
from training.data.same_pictures import check_same_pictures
from training.data.splits import divide, with_saved_split

# Lies in a folder of drawn pictures: what was trained on them has no clinical meaning, and its card says so.
MADE = "MADE.txt"
IN_THE_MANIFEST = {cohort.name for cohort in development.COHORTS}


def load_recipe_data(cohorts: Iterable[str], given: Sequence[str], run: Path | None = None) -> list[Example]:
    """Every example of `cohorts`, in a split each; ends the program where one is unknown, missing or leaks.

    `run`: the run that the images belong to, which says where they lay and which split each had, and is told of what
    has changed since; without it, what has no split is divided.
    """
    examples: list[Example] = []
    known = recipe_cohorts(cohorts, given, run)
    for name, (cohort, folder) in known.items():
        found = cohort.load(folder)
        if not is_published(name):
            check_same_pictures(found)
        examples += found
    if run is None:
        return divide(examples)
    tell_of_changes(run, {name: folder for name, (_, folder) in known.items()}, examples)
    return with_saved_split(run / "split.csv", examples)


def recipe_cohorts(
    cohorts: Iterable[str], given: Sequence[str], run: Path | None = None
) -> dict[str, tuple[Cohort, Path]]:
    """What is known about each cohort of a recipe, and its folder.

    Own images, named as their cohort.yaml says, are entered in COHORTS: whoever asks there learns what they show.
    """
    known = {name: (cohort_at(name, folder), folder) for name, folder in folders(cohorts, given, run).items()}
    COHORTS.update({name: cohort for name, (cohort, _) in known.items()})
    return known


def folders(cohorts: Iterable[str], given: Sequence[str], run: Path | None = None) -> dict[str, Path]:
    """Where each of `cohorts` lies: as `given` says, where `run` learned from it, in HILUM_DATA, or where the last run
    learned from it, which is told."""
    named = {name: Path(folder) for name, equals, folder in (one.partition("=") for one in given) if equals}
    plain = [Path(one) for one in given if "=" not in one]
    if OWN.keys() & {*cohorts}:
        raise SystemExit(
            "a recipe names a cohort of your own as its cohort.yaml does, and --data NAME=FOLDER says where"
        )
    remembered = recall(run)
    found: dict[str, Path] = {}
    for name in cohorts:
        if name in named:
            found[name] = named[name]
        elif name in remembered and remembered[name].is_dir() and not (plain and name in IN_THE_MANIFEST):
            found[name] = remembered[name]
        elif name in IN_THE_MANIFEST:
            found[name] = data_folder(plain[-1] if plain else None)
        elif run is not None and name in remembered:
            raise gone(run, name, remembered[name])
        else:
            found[name] = _at_hand(name)
    return found


def as_given(lying: Mapping[str, Path]) -> list[str]:
    """`lying`, cohort -> folder, in the words of --data."""
    return [f"{name}={folder}" for name, folder in lying.items()]


def is_published(cohort: str) -> bool:
    """Whether it is known by its publication; otherwise it is somebody's own."""
    return cohort in PUBLISHED or cohort in IN_THE_MANIFEST


def _at_hand(name: str) -> Path:
    """The folder of a cohort of which nobody said where it lies."""
    if development.DATA_VARIABLE in os.environ and (is_published(name) or _in_the_data_folder(name).is_dir()):
        return _in_the_data_folder(name)
    last = recall_last(name)
    if last is not None:
        run, folder = last
        print(f"{name}: {folder}, as in {run}")
        return folder
    if not is_published(name):
        known = ", ".join(sorted({*PUBLISHED, *IN_THE_MANIFEST}))
        raise SystemExit(f"unknown cohort {name}; known are {known}, and those given by --data {name}=FOLDER")
    raise SystemExit(f"where is {name}? Give --data {name}=FOLDER, or set {development.DATA_VARIABLE}")


def _in_the_data_folder(name: str) -> Path:
    return Path(os.environ[development.DATA_VARIABLE]) / name
