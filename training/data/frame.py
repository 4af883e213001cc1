"""The frame round the lungs, from their outline. training/lungs/attach.py has the same arithmetic in ONNX; what a
network learns from is framed here as the graph frames it there.

Places are shares of the whole film, 0 to 1, from its left and its top edge.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

# Of the mass of the outline, so much may lie beyond each edge of the box: a stray spot moves it little.
BEYOND = 0.01
# The frame is larger than the box by this share of it on each side: the ribs and the diaphragm are evidence too.
MARGIN = 0.08
# An outline that is smaller, or whose box is, is none: the whole film is the frame then.
AREA_MIN, SIDE_MIN = 0.05, 0.3
# What counts as lung.
LUNG = 0.5


# A cell of the map counts as lung this many cells of the outline beyond it, for opacities that hide its edge.
BEYOND_EDGE = 2


@dataclass(frozen=True)
class Frame:
    """`found`: whether it is that of an outline; otherwise it is the whole film."""

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0
    found: bool = False


def frame_of(lungs: NDArray[np.float32]) -> Frame:
    """The frame of the outline `lungs` [h, w], shares of lung 0..1."""
    inside = (lungs > LUNG).astype(np.float32)
    if inside.mean() < AREA_MIN:
        return Frame()
    (left, right), (top, bottom) = (_span(inside.sum(axis)) for axis in (0, 1))
    if right - left < SIDE_MIN or bottom - top < SIDE_MIN:
        return Frame()
    x, y = MARGIN * (right - left), MARGIN * (bottom - top)
    return Frame(max(0.0, left - x), max(0.0, top - y), min(1.0, right + x), min(1.0, bottom + y), True)


def _span(mass: NDArray[np.float32]) -> tuple[float, float]:
    """From the first to the last cell that is not beyond, of the mass of each row or column."""
    reached, allowed = np.cumsum(mass), BEYOND * mass.sum()
    before = int((reached <= allowed).sum())
    after = int((np.cumsum(mass[::-1]) <= allowed).sum())
    return before / mass.size, 1 - after / mass.size


def framed(gray: NDArray[np.float32], frame: Frame, height: int, width: int) -> NDArray[np.float32]:
    """`gray` [H, W] within `frame`, resampled to height x width."""
    rows = resampling(gray.shape[0], height, frame.top, frame.bottom)
    columns = resampling(gray.shape[1], width, frame.left, frame.right)
    return np.asarray(rows @ gray @ columns.T, dtype=np.float32)


def resampling(side: int, samples: int, first: float, last: float) -> NDArray[np.float32]:
    """[samples, side]: the weight of each pixel in each sample, a hat as wide as samples are apart, at least 1."""
    step = side * (last - first) / samples
    centres = side * first + (np.arange(samples) + 0.5) * step - 0.5
    hat = np.maximum(0, 1 - np.abs(centres[:, np.newaxis] - np.arange(side)) / max(1.0, step))
    return np.asarray(hat / hat.sum(axis=1, keepdims=True), dtype=np.float32)


def cells_of(lungs: NDArray[np.float32], frame: Frame, height: int, width: int) -> NDArray[np.float32]:
    """[height, width]: how much each cell of a map over `frame` counts, 1 in the mean; 0 where no lung is near."""
    if not frame.found:
        return np.ones((height, width), dtype=np.float32)
    side = 2 * BEYOND_EDGE + 1
    near = cv2.dilate((lungs > LUNG).astype(np.float32), np.ones((side, side), np.uint8))
    cells = framed(np.asarray(near, dtype=np.float32), frame, height, width)
    return np.asarray(cells / cells.mean(), dtype=np.float32)
