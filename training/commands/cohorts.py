"""List the cohorts by name; of one, tell what is known about it and what is found in FOLDER."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from training.data.cohorts import COHORTS, Cohort, Example, cohort_at


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help=", ".join(COHORTS))
    parser.add_argument("folder", nargs="?", type=Path)


def run(arguments: argparse.Namespace) -> None:
    if arguments.name is None:
        print("\n".join(f"{cohort.name:18} {cohort.licence}" for cohort in COHORTS.values()))
        return
    if arguments.folder is None:
        raise argparse.ArgumentError(None, "FOLDER is needed")
    cohort = cohort_at(arguments.name, arguments.folder)
    print(described(cohort))
    print(counted(cohort.load(arguments.folder)))


def described(cohort: Cohort) -> str:
    about = {
        "licence": cohort.licence,
        "citation": cohort.citation,
        "population": cohort.population,
        "layout": cohort.layout,
        "findings": ", ".join(cohort.findings),
    }
    return "\n".join([cohort.name, *(f"  {key:10} {text}" for key, text in about.items())])


def counted(examples: Sequence[Example]) -> str:
    """Images by label and by published part or split, and how many patients."""
    places = sorted({_place(example) for example in examples})
    counts = Counter((example.label, _place(example)) for example in examples)
    labels = sorted({example.label for example in examples})
    rows = [[label, *(str(counts[label, place]) for place in places)] for label in labels]
    rows.append(["all", *(str(sum(counts[label, place] for label in labels)) for place in places)])
    table = [["images", *places], *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    patients = len({example.patient_id for example in examples})
    boxes = sum(len(example.boxes) for example in examples)
    return "\n".join([*lines, f"{len(examples)} images of {patients} patients, {boxes} boxes"])


def _place(example: Example) -> str:
    """The published part, and the split where it is decided already."""
    return "/".join(dict.fromkeys(name for name in (example.part, example.split) if name)) or "not divided"
