"""Whether a VOI leaves anything to see: windows made for another bit depth, thresholds, centres far outside.

The first two limits are those by which an image is declined as implausible, so that what is replaced would not have
been analysed as the header shows it. The third was measured: over the 17 real files with a window at hand, of ten
different images, a window shows what the pixels can hold over 0.96 of the gray scale or more, and at most
0.44 of the pixels are at an end of the scale. A window made for two bits more leaves 0.25.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from converter.image.plausibility import CONTRAST_MIN, SATURATED_MAX, SIDE_MIN

LEVELS = 256
PIXELS_MIN = SIDE_MIN**2  # of fewer nothing is said: such an image is not analysed anyway
TAIL = 0.02
RANGE_MIN = 0.4


def shows_something(shown: NDArray[np.float64], counts: NDArray[np.float64]) -> bool:
    """As `has_contrast`, and the values that pixels can have are spread over more than RANGE_MIN of the gray scale."""
    return has_contrast(shown, counts) and (counts.sum() < PIXELS_MIN or float(np.ptp(shown)) > RANGE_MIN)


def has_contrast(shown: NDArray[np.float64], counts: NDArray[np.float64]) -> bool:
    """Whether pixels differ: `counts` of them have the gray value in `shown`, 0 to 1, at the same place."""
    total = counts.sum()
    if total < PIXELS_MIN:
        return True
    levels = np.rint(np.nan_to_num(shown) * (LEVELS - 1)).astype(np.int64)
    histogram = np.bincount(levels, counts, LEVELS) / total
    low, high = np.searchsorted(np.cumsum(histogram), (TAIL, 1 - TAIL))
    return bool(histogram[0] + histogram[-1] <= SATURATED_MAX and (high - low) / (LEVELS - 1) >= CONTRAST_MIN)
