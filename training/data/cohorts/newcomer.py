"""A folder of pictures that nobody has described yet: which labels, files and tables are there."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from training.data.cohorts.cohort import WrongLayout
from training.data.cohorts.dicom import SUFFIXES
from training.data.cohorts.image_folder import PARTS
from training.data.cohorts.image_table import LABELS
from training.data.cohorts.layout import IMAGE_SUFFIXES, found_in, images_in, read_table

# What people call the class in which nothing was found, letters only.
NORMAL = frozenset(
    {"normal", "negative", "neg", "no", "none", "healthy", "control", "nofinding", "nofindings", "absent"}
)
CLASSES_MAX = 32


@dataclass(frozen=True)
class Found:
    """labels: each with its number of images, as they are written; joined ones (a|b) taken apart."""

    folder: Path
    labels: dict[str, int]

    def normal(self, stated: list[str]) -> list[str]:
        """The labels that mean that nothing was found: those `stated`, else by their name. Raises WrongLayout."""
        strange = [label for label in stated if label not in self.labels]
        if strange:
            raise WrongLayout(f"{self.folder}: no label {strange[0]}; there are {', '.join(self.labels)}")
        normal = stated or [label for label in self.labels if re.sub(r"[^a-z]", "", label.lower()) in NORMAL]
        if not normal and len(self.labels) > 1:
            raise WrongLayout(
                f"{self.folder}: which of the labels {', '.join(self.labels)} means that nothing was found? Say "
                "--normal LABEL (again for a further one)"
            )
        return normal


def look_into(folder: Path) -> Found:
    """The labels of labels.csv, or the class folders, of `folder`. Raises WrongLayout where there is none, or one."""
    if not folder.is_dir():
        raise WrongLayout(f"{folder}: expected a folder of labelled pictures, found {found_in(folder)}")
    counts = _of_table(folder) if (folder / LABELS).is_file() else _of_folders(folder)
    if not counts:
        raise WrongLayout(
            f"{folder}: expected a folder for each class with pictures in it, or {LABELS} (path,label), found "
            f"{found_in(folder)}"
        )
    if len(counts) == 1:
        raise WrongLayout(
            f"{folder}: expected two classes at least, found only {next(iter(counts))}: what a finding looks like is "
            "learned from pictures with and without it"
        )
    if len(counts) > CLASSES_MAX:
        raise WrongLayout(f"{folder}: expected {CLASSES_MAX} classes at most, found {len(counts)}: is a label a name?")
    return Found(folder, counts)


def _of_table(folder: Path) -> dict[str, int]:
    rows = read_table(folder / LABELS, ("label",))
    without = [number for number, row in enumerate(rows, 2) if not row["label"].strip()]
    if without:
        raise WrongLayout(f"{folder / LABELS}:{without[0]}: expected a label, found none")
    return dict(Counter(label.strip() for row in rows for label in row["label"].split("|")))


def _of_folders(folder: Path) -> dict[str, int]:
    roots = [folder / part for part in PARTS if (folder / part).is_dir()] or [folder]
    counts: Counter[str] = Counter()
    for root in roots:
        for inside in sorted(root.iterdir()):
            if inside.is_dir() and not inside.name.startswith("."):
                suffixes = IMAGE_SUFFIXES | SUFFIXES
                counts[inside.name] += len(images_in(inside, suffixes=suffixes, deep=True, dicom=True))
    return dict(counts)
