"""Outlines of lungs drawn by people, on the films that they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.data.cohorts import Example
from training.data.cohorts.cohort import WrongLayout
from training.data.images import load_training_images
from training.data.splits import select

# Grids on which films and outlines are kept; augmentation cuts the network's input out of it.
SIDE = 160
# Gray values of a mask from which a place is lung.
DRAWN = 128


@dataclass(frozen=True)
class OutlinedFilms:
    """films, masks: uint8 [n, SIDE, SIDE], gray values, and 255 where there is lung."""

    examples: tuple[Example, ...]
    films: NDArray[np.uint8]
    masks: NDArray[np.uint8]


def outlined_films(examples: Sequence[Example], split: str) -> OutlinedFilms:
    """Those of `split` that have an outline. Ends the program where none has."""
    outlined = tuple(one for one in select(examples, split, {one.cohort for one in examples}) if one.masks)
    if not outlined:
        raise SystemExit(f"no film of {split} has an outline of its lungs")
    masks = np.stack([shares(one.masks, SIDE) >= 0.5 for one in outlined])
    return OutlinedFilms(outlined, load_training_images(outlined, SIDE), masks.astype(np.uint8) * 255)


def shares(files: Sequence[Path], side: int) -> NDArray[np.float32]:
    """[side, side]: the share of lung in each cell of a film whose lungs `files` show together."""
    drawn = np.max([cv2.resize(read_mask(file), (side, side), interpolation=cv2.INTER_AREA) for file in files], axis=0)
    return np.asarray(drawn, dtype=np.float32)


def read_mask(file: Path) -> NDArray[np.float32]:
    """[h, w]: 1 where there is lung. Ends the program where `file` is no picture."""
    mask = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
    if mask is None:
        raise WrongLayout(f"{file}: expected an outline of lungs, which cannot be read")
    return np.asarray(mask >= DRAWN, dtype=np.float32)
