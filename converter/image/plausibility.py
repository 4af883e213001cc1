"""Whether pixels can be a radiograph at all: not blank, not tiny, not saturated, not a coloured drawing.

The limits lie far outside every image of the training cohorts (8,318 films): their shortest side is 189 pixels, the
narrowest contrast 0.25, at most 0.33 of an image is at an end of the scale, and at most 0.4 of it is flat.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from converter.declined import Declined
from converter.image.area import AreaAverage
from converter.image.colour import COLOURED
from converter.image.gray_image import GrayImage

SIDE_MIN = 128
CONTRAST_MIN = 0.08
SATURATED_MAX = 0.8
FLAT_MAX = 0.9
OVERVIEW_SIDE = 256
SMALL_SIDE_MIN = 4 * OVERVIEW_SIDE
END_LEVELS = 257  # of 65,536: the darkest and the brightest level of an 8-bit display
FLAT_STEP = 2


def check_pixels(image: GrayImage, small: NDArray[np.uint16] | None = None) -> Declined | None:
    """The reason why `image` cannot be a radiograph, or None. `small`: the same image made smaller by area average."""
    rows, columns = image.pixels.shape
    if min(rows, columns) < SIDE_MIN:
        return Declined("implausible-tiny", f"the image has {columns} x {rows} pixels")
    if COLOURED in image.notes:
        return Declined("derived", "a coloured picture (a heat map, an annotated capture), not a radiograph")
    overview = _overview(image, small)
    low, high = np.percentile(overview, (2, 98)) / 65535
    saturated = np.mean((overview < END_LEVELS) | (overview > 65535 - END_LEVELS))
    flat = _flat_part(overview)
    if saturated > SATURATED_MAX and overview.min() != overview.max():
        return Declined("implausible-saturated", f"{saturated:.0%} of the image is at an end of the gray scale")
    if high - low < CONTRAST_MIN or flat > FLAT_MAX:
        return Declined("implausible-blank", "the image is blank: it shows no contrast or no texture")
    return None


def _overview(image: GrayImage, small: NDArray[np.uint16] | None) -> NDArray[np.uint16]:
    """The image at OVERVIEW_SIDE, averaged from `small` where `small` is large enough to give the same."""
    factor = OVERVIEW_SIDE / max(image.pixels.shape)
    if factor >= 1:
        return image.pixels
    rows, columns = (max(1, round(side * factor)) for side in image.pixels.shape)
    average = image.average if small is None or max(small.shape) < SMALL_SIDE_MIN else AreaAverage(small)
    return average.to(columns, rows)


def _flat_part(overview: NDArray[np.uint16]) -> float:
    """The share of the image whose gray levels are constant or rise evenly in both directions: drawn, not exposed."""
    gray = overview.astype(np.int32)
    along_rows = np.abs(gray[1:-1, 2:] + gray[1:-1, :-2] - 2 * gray[1:-1, 1:-1])
    along_columns = np.abs(gray[2:, 1:-1] + gray[:-2, 1:-1] - 2 * gray[1:-1, 1:-1])
    return float(np.mean((along_rows <= FLAT_STEP) & (along_columns <= FLAT_STEP)))
