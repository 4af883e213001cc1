"""train, val and devtest: no patient is in two of them, whatever the source of the image."""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from training.cohorts import Example

SPLITS = ("train", "val", "devtest")


def select(examples: Iterable[Example], split: str, cohorts: Iterable[str]) -> list[Example]:
    """The examples of one split, all that are in `cohorts`."""
    wanted = set(cohorts)
    return [example for example in examples if example.split == split and example.cohort in wanted]


def patients_in_two_splits(examples: Iterable[Example]) -> set[str]:
    """The patients that would leak; a run refuses to start when there is one."""
    seen: dict[str, set[str]] = defaultdict(set)
    for example in examples:
        seen[example.patient_id].add(example.split)
    return {patient for patient, splits in seen.items() if len(splits) > 1}


def check_splits(examples: Sequence[Example]) -> None:
    leaking = patients_in_two_splits(examples)
    if leaking:
        raise SystemExit(f"{len(leaking)} patients are in more than one split, such as {sorted(leaking)[0]}")
    unknown = {example.split for example in examples} - set(SPLITS)
    if unknown:
        raise SystemExit(f"unknown splits in manifest.csv: {', '.join(sorted(unknown))}")


def save_split(path: Path, examples: Iterable[Example], folder: Path) -> None:
    """Write which image of `folder` was in which split, so that a run can be repeated and audited."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["path", "split", "positive"])
        writer.writerows(
            [os.path.relpath(example.path, folder), example.split, int(example.positive)] for example in examples
        )
