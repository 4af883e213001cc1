"""What pictures to be accepted become when they are no longer to be read: inverted, turned, cut down to a part,
photographed from a screen, spoiled."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from training.gate.quality import unreadable
from training.gate.screens import on_a_screen

Gray = NDArray[np.uint8]

# The seven ways a square can lie, and its mirror image, which a film may be without harm (flip in training).
TURNS = (1, 2, 3, 5, 6, 7)
PARTS_MAX = 0.5
# What is kept of the height or the width when a film loses one of its sides. Below the middle more may be left: without
# a quarter from above the lungs have lost their apices, without one from below they are often whole.
KEPT = {"upper": (0.35, 0.6), "lower": (0.4, 0.75), "left": (0.35, 0.6), "right": (0.35, 0.6)}


def inverted(film: Gray, rng: np.random.Generator) -> Gray:
    """Black and white exchanged; sometimes also mirrored."""
    negative = 255 - film
    return np.ascontiguousarray(negative[:, ::-1]) if rng.random() < 0.3 else negative


def rotated(film: Gray, rng: np.random.Generator) -> Gray:
    """Turned by 90, 180 or 270 degrees; those above 4 also mirrored."""
    turn = int(rng.choice(TURNS))
    return np.ascontiguousarray(np.rot90(film[:, ::-1] if turn > 4 else film, turn % 4))


def part(film: Gray, rng: np.random.Generator) -> Gray:
    """A small part, a half (upper, lower, left or right), or a half with the other one painted over."""
    return PARTS[int(rng.integers(len(PARTS)))](film, rng)


def small_part(film: Gray, rng: np.random.Generator) -> Gray:
    """A quarter to a half of the height and of the width."""
    rows, columns = film.shape
    high, wide = (max(8, int(side * rng.uniform(0.25, PARTS_MAX))) for side in (rows, columns))
    top, left = int(rng.integers(0, rows - high + 1)), int(rng.integers(0, columns - wide + 1))
    return np.ascontiguousarray(film[top : top + high, left : left + wide])


def half(film: Gray, rng: np.random.Generator) -> Gray:
    """One side of the film, as far as KEPT says; the other one is cut off."""
    return np.ascontiguousarray(film[_kept(film, rng)])


def half_covered(film: Gray, rng: np.random.Generator) -> Gray:
    """One side of the film in its place; the rest is one gray, mostly black or white."""
    covered = np.full_like(film, int(rng.choice([0, 0, 0, 255, int(rng.integers(256))])))
    kept = _kept(film, rng)
    covered[kept] = film[kept]
    return covered


def _kept(film: Gray, rng: np.random.Generator) -> tuple[slice, slice]:
    rows, columns = film.shape
    side = str(rng.choice(list(KEPT)))
    share = rng.uniform(*KEPT[side])
    high, wide = max(8, int(rows * share)), max(8, int(columns * share))
    whole = slice(None)
    return {
        "upper": (slice(0, high), whole),
        "lower": (slice(rows - high, rows), whole),
        "left": (whole, slice(0, wide)),
        "right": (whole, slice(columns - wide, columns)),
    }[side]


PARTS = (small_part, half, half, half_covered)
Way = Callable[[Gray, np.random.Generator], Gray]
# What is made of every picture to be accepted, by kind.
EITHER: dict[str, Way] = {"inverted": inverted, "photographed-screen": on_a_screen, "unreadable": unreadable}
