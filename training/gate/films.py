"""What frontal films become when they are no longer to be read: inverted, turned, cut down to a part."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]

# The seven ways a square can lie, and its mirror image, which a film may be without harm (flip in training).
TURNS = (1, 2, 3, 5, 6, 7)
PARTS_MAX = 0.5


def inverted(film: Gray, rng: np.random.Generator) -> Gray:
    """Black and white exchanged; sometimes also mirrored."""
    negative = 255 - film
    return np.ascontiguousarray(negative[:, ::-1]) if rng.random() < 0.3 else negative


def rotated(film: Gray, rng: np.random.Generator) -> Gray:
    """Turned by 90, 180 or 270 degrees; those above 4 also mirrored."""
    turn = int(rng.choice(TURNS))
    return np.ascontiguousarray(np.rot90(film[:, ::-1] if turn > 4 else film, turn % 4))


def part(film: Gray, rng: np.random.Generator) -> Gray:
    """A quarter to a half of the height and of the width."""
    rows, columns = film.shape
    high, wide = (max(8, int(side * rng.uniform(0.25, PARTS_MAX))) for side in (rows, columns))
    top, left = int(rng.integers(0, rows - high + 1)), int(rng.integers(0, columns - wide + 1))
    return np.ascontiguousarray(film[top : top + high, left : left + wide])
