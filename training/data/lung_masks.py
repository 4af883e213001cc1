"""Outlines of lungs drawn by hand, and the films that they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.data.cohorts import Example, load_examples
from training.data.cohorts.cohort import WrongLayout
from training.data.cohorts.layout import read_table
from training.data.images import load_training_images

FOLDER = "lungmasks224"
COLUMNS = ("path", "mask", "split_suggested")
# Grids on which films and outlines are kept; augmentation cuts the network's input out of it.
SIDE = 160


@dataclass(frozen=True)
class OutlinedFilms:
    """films, masks: uint8 [n, SIDE, SIDE], gray values, and 255 where there is lung."""

    examples: tuple[Example, ...]
    films: NDArray[np.uint8]
    masks: NDArray[np.uint8]


def mask_files(data: Path) -> dict[Path, Path]:
    """By film, the file of its outline; both absolute. Ends the program where there are none."""
    root = data.absolute()
    file = root / FOLDER / "masks.csv"
    if not file.is_file():
        raise WrongLayout(f"{data}: expected {FOLDER}/masks.csv, which is not there")
    return {root / row["path"]: root / row["mask"] for row in read_table(file, COLUMNS)}


def outlined_examples(data: Path, split: str) -> tuple[Example, ...]:
    """The films of `split` in `data` (the folder of manifest.csv) with an outline. Ends the program where none has."""
    masks = mask_files(data)
    examples = tuple(one for one in load_examples(data) if one.split == split and one.path in masks)
    if not examples:
        raise SystemExit(f"{data}: no film of {split} has an outline of its lungs")
    return examples


def outlined_films(data: Path, split: str) -> OutlinedFilms:
    """These films and their outlines."""
    examples, masks = outlined_examples(data, split), mask_files(data)
    films = load_training_images(examples, SIDE)
    return OutlinedFilms(examples, films, read_masks([masks[one.path] for one in examples], SIDE))


def read_masks(files: Sequence[Path], side: int) -> NDArray[np.uint8]:
    """[n, side, side]: 255 where at least half of a cell is lung."""
    made = []
    for file in files:
        mask = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
        if mask is None:
            raise WrongLayout(f"{file}: expected an outline of lungs, which cannot be read")
        small = cv2.resize(mask, (side, side), interpolation=cv2.INTER_AREA)
        made.append(np.where(small >= 128, 255, 0).astype(np.uint8))
    return np.stack(made)
