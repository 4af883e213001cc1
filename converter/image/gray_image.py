"""What rendering makes of a frame: a gray image as a reader would see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from converter.image.area import AreaAverage

IDENTITY_AFFINE = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


@dataclass(frozen=True)
class GrayImage:
    """One frame as a reader sees it: windowed, MONOCHROME2, upright, square pixels.

    pixels:     uint16 [rows, columns], 0 = black, 65535 = white.
    to_source:  float64 [2, 3], maps (column, row) of `pixels` to (column, row) of the stored frame; positions are
                pixel centres counted from 0.
    source_shape: (rows, columns) of the stored frame.
    notes:      plain sentences about what was assumed (no window, unknown age, ...), without patient data.
    """

    pixels: NDArray[np.uint16]
    source_shape: tuple[int, int]
    to_source: NDArray[np.float64] = field(default_factory=IDENTITY_AFFINE.copy)
    notes: tuple[str, ...] = ()

    @cached_property
    def average(self) -> AreaAverage:
        """Makes smaller images of `pixels`."""
        return AreaAverage(self.pixels)
