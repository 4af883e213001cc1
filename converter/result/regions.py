"""Where in the source frame the model looked: from a class activation map to a polygon in source pixels.

Positions are those of SCOORD (PS3.3 C.18.6.1.1): the frame spans 0 to columns and 0 to rows, so that the centre of the
first pixel is (0.5, 0.5). Affine maps in this package take pixel centres counted from 0, half a pixel less.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from converter.result.findings import Point

# Part of the strongest positive activation that still counts as attention.
ATTENTION_LEVEL = 0.6
# The map is refined to about this many samples a side before its outline is taken.
OUTLINE_SIDE = 256
SAMPLES_A_CELL = 8


def attention_region(
    cam: NDArray[np.float32],
    preview_shape: tuple[int, ...],
    preview_to_source: NDArray[np.float64],
    source_shape: tuple[int, int],
) -> tuple[Point, ...]:
    """The closed rectangle round the strongest spot of `cam`, in source pixels, inside the frame.

    The spot is the connected area round the maximum where the activation is at least 0.6 of it. Without any positive
    activation there is no such spot: the whole frame is returned.
    """
    fine = evidence(cam, OUTLINE_SIDE, OUTLINE_SIDE)
    peak = float(fine.max())
    if peak <= 0:
        return whole_frame(source_shape)
    _, labels = cv2.connectedComponents((fine >= ATTENTION_LEVEL * peak).astype(np.uint8))
    rows, columns = np.nonzero(labels == labels[np.unravel_index(int(fine.argmax()), fine.shape)])
    # edges of the sampled cells, as pixel centres of the preview
    edges = np.array([columns.min(), columns.max() + 1, rows.min(), rows.max() + 1], dtype=np.float64) / OUTLINE_SIDE
    left, right = edges[:2] * preview_shape[1] - 0.5
    top, bottom = edges[2:] * preview_shape[0] - 0.5
    corners = np.array([[left, top, 1.0], [right, top, 1.0], [right, bottom, 1.0], [left, bottom, 1.0]])
    return _rectangle(corners @ preview_to_source.T + 0.5, source_shape)


def whole_frame(source_shape: tuple[int, int]) -> tuple[Point, ...]:
    """The closed rectangle through the centres of the frame's border pixels."""
    return _rectangle(np.array([[0.0, 0.0], [source_shape[1], source_shape[0]]]), source_shape)


def evidence(cam: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    """The positive part of `cam`, smoothly resampled to rows x columns over the same field of view."""
    # refined in two steps, so that the blur that takes the ringing of the cubic kernel away stays small
    side_y, side_x = (cells * SAMPLES_A_CELL for cells in cam.shape)
    positive = np.maximum(cam, 0).astype(np.float32)
    fine = cv2.resize(positive, (side_x, side_y), interpolation=cv2.INTER_CUBIC)
    fine = cv2.GaussianBlur(fine, (0, 0), sigmaX=0.3 * SAMPLES_A_CELL, borderType=cv2.BORDER_REPLICATE)
    shrinks = rows < side_y or columns < side_x
    fine = cv2.resize(fine, (columns, rows), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return np.clip(fine, 0, positive.max())


def _rectangle(points: NDArray[np.float64], source_shape: tuple[int, int]) -> tuple[Point, ...]:
    rows, columns = source_shape
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    left, right = (round(float(np.clip(x, 0.5, columns - 0.5)), 2) for x in (left, right))
    top, bottom = (round(float(np.clip(y, 0.5, rows - 0.5)), 2) for y in (top, bottom))
    return ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
