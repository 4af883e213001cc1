"""How well outlines fit those drawn by hand, and sheets of films with their outlines to look at."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from converter.package.lungs import OutlineFit
from training.data.frame import LUNG

TILE, COLUMNS = 128, 10


def dice_of(lungs: NDArray[np.float32], masks: NDArray[np.uint8]) -> NDArray[np.float64]:
    """[n]: 2 x common area / sum of areas, for outlines [n, h, w], on the grid of masks [n, side, side]."""
    side = masks.shape[1]
    found = []
    for said, drawn in zip(lungs, masks, strict=True):
        fine = cv2.resize(said, (side, side), interpolation=cv2.INTER_LINEAR) > LUNG
        wanted = drawn > 127
        found.append(2 * np.sum(fine & wanted) / max(1, fine.sum() + wanted.sum()))
    return np.array(found)


def summary(found: NDArray[np.float64]) -> OutlineFit:
    figures = {
        "mean": found.mean(),
        "median": np.median(found),
        "fifth_percentile": np.percentile(found, 5),
        "least": found.min(),
    }
    return OutlineFit(films=len(found), **{name: round(float(value), 4) for name, value in figures.items()})


def sheet(films: NDArray[np.uint8], lungs: NDArray[np.float32], captions: Sequence[str] = ()) -> NDArray[np.uint8]:
    """A picture of `films` [n, side, side] with the edge of each outline in red."""
    tiles = []
    for place, (film, said) in enumerate(zip(films, lungs, strict=True)):
        tile = cv2.cvtColor(cv2.resize(film, (TILE, TILE), interpolation=cv2.INTER_AREA), cv2.COLOR_GRAY2BGR)
        inside = (cv2.resize(said, (TILE, TILE), interpolation=cv2.INTER_LINEAR) > LUNG).astype(np.uint8)
        edges, _ = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(tile, edges, -1, (0, 60, 255), 1)
        if captions:
            cv2.putText(tile, captions[place], (2, 10), cv2.FONT_HERSHEY_SIMPLEX, 0.3, (0, 255, 255))
        tiles.append(tile)
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % COLUMNS)
    return np.vstack([np.hstack(tiles[start : start + COLUMNS]) for start in range(0, len(tiles), COLUMNS)])
