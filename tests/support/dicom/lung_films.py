"""Films of two drawn lungs with a bright spot in them, at places that a test knows, for the package tiny-lungs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from tests.support.dicom.phantoms import make_dx

ROWS, COLUMNS = 640, 512
BODY, LUNG, SPOT = 0.58, 0.3, 1.0
# Centre (row, column) and half axes of the patient's right and left lung, as shares of the film.
RIGHT, LEFT = (0.5, 0.29), (0.5, 0.71)
HALF_AXES = (0.36, 0.16)
LOWER_RIGHT, UPPER_LEFT = (0.6875, 0.3125), (0.3125, 0.6875)


def drawn(*spots: tuple[float, float], radius: float = 0.09) -> NDArray[np.float64]:
    """Gray values 0..1 [ROWS, COLUMNS]; `spots`: centres (row, column), as shares of the film."""
    rows, columns = np.arange(ROWS)[:, np.newaxis] / ROWS, np.arange(COLUMNS) / COLUMNS
    film = np.full((ROWS, COLUMNS), BODY)
    for row, column in (RIGHT, LEFT):
        film[((rows - row) / HALF_AXES[0]) ** 2 + ((columns - column) / HALF_AXES[1]) ** 2 <= 1] = LUNG
    for row, column in spots:
        film[(rows - row) ** 2 + (columns - column) ** 2 <= radius**2] = SPOT
    # No radiograph is as even as a drawing.
    return np.clip(film + np.random.default_rng(7).normal(0, 0.01, film.shape), 0, 1)


def lung_film(
    *spots: tuple[float, float], first: float = 0.0, last: float = 1.0, seed: int = 1, instance: int = 1
) -> Dataset:
    """The film as a radiography system sends it; `first` to `last`: the columns that it was cropped to."""
    shown = drawn(*spots)[:, round(first * COLUMNS) : round(last * COLUMNS)]
    return make_dx(np.rint(4095 * shown).astype(np.uint16), seed=seed, instance=instance)
