"""Whether the class activation map lies where readers drew boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from converter.evaluation.weighted import Bools, Floats
from converter.result.regions import evidence, spots

# The map and the boxes are compared on a grid of this many samples a side over the image.
GRID_SIDE = 256
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Localised:
    """One image with boxes.

    pointed: the strongest spot of the map lies in a box (pointing game). energy: share of the positive activation
    inside the boxes. overlap: intersection over union of the regions that the report draws and the boxes. area: share
    of the image that the boxes cover, which is the `energy` of an even map.
    """

    pointed: bool
    energy: float
    overlap: float
    area: float


def localise(
    cam: NDArray[np.float32],
    boxes: Sequence[Box],
    preview_shape: tuple[int, ...],
    preview_to_source: Floats,
    full_scale: float | None = None,
) -> Localised:
    """Compare `cam` [h, w], which covers the field of view of the preview, with boxes (x, y, width, height) in stored
    pixels. A map without positive activation points nowhere. Raises ValueError without boxes."""
    if not boxes:
        raise ValueError("there is no box to compare the map with")
    inside = in_boxes(boxes, preview_shape, preview_to_source)
    attention = evidence(cam, GRID_SIDE, GRID_SIDE).astype(np.float64)
    if attention.max() <= 0:
        return Localised(False, 0.0, 0.0, float(inside.mean()))
    region = np.any(spots(evidence(cam, GRID_SIDE, GRID_SIDE), full_scale) or [np.zeros_like(inside)], axis=0)
    return Localised(
        pointed=bool(inside.flat[int(attention.argmax())]),
        energy=float(attention[inside].sum() / attention.sum()),
        overlap=float((region & inside).sum() / max(1, (region | inside).sum())),
        area=float(inside.mean()),
    )


def in_boxes(boxes: Sequence[Box], preview_shape: tuple[int, ...], preview_to_source: Floats) -> Bools:
    """Which samples of the grid over the preview lie in a box of the stored frame, [256, 256]."""
    along = (np.arange(GRID_SIDE) + 0.5) / GRID_SIDE
    x, y = np.meshgrid(along * preview_shape[1] - 0.5, along * preview_shape[0] - 0.5)
    # preview_to_source takes pixel centres counted from 0; the edges of a box count from the corner of the frame
    column, row = (m[0] * x + m[1] * y + m[2] + 0.5 for m in preview_to_source)
    inside = np.zeros((GRID_SIDE, GRID_SIDE), dtype=bool)
    for left, top, width, height in boxes:
        inside |= (left <= column) & (column < left + width) & (top <= row) & (row < top + height)
    return inside
