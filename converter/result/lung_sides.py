"""The two lungs in an outline: which part of it is the right one, and which the left one.

The film is upright and the patient faces the reader: the patient's right lung is at its left.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

# Between two lungs is a column, in the middle part of their box, that has at most this share of the fuller columns of
# either; each has at least LUNG_MIN of the area of both.
MIDDLE, VALLEY_MAX, LUNG_MIN = (0.3, 0.7), 0.5, 0.15
# An area that reaches over the column between the lungs is cut there where both parts have at least this share of it.
CUT_MIN = 0.2


def two_lungs(lung: Mask) -> tuple[Mask, Mask] | None:
    """The patient's right and left lung in `lung` [h, w], the right one at the left of the film; None where there are
    not two of them."""
    mass = lung.sum(axis=0)
    filled = np.flatnonzero(mass)
    if not len(filled):
        return None
    first, width = int(filled[0]), int(filled[-1] - filled[0] + 1)
    start, end = (first + round(share * width) for share in MIDDLE)
    if end <= start:
        return None
    columns = np.arange(start, end)
    lowest = columns[mass[start:end] == mass[start:end].min()]
    between = int(lowest[len(lowest) // 2])
    if mass[between] > VALLEY_MAX * min(mass[:between].max(initial=0), mass[between + 1 :].max(initial=0)):
        return None
    right, left = _divided(lung, between)
    total = lung.sum()
    return (right, left) if min(right.sum(), left.sum()) >= LUNG_MIN * total else None


def _divided(lung: Mask, between: int) -> tuple[Mask, Mask]:
    """Each connected area goes to the side of the column `between` that it is on."""
    count, labels = cv2.connectedComponents(lung.astype(np.uint8), connectivity=4)
    at_left = np.zeros_like(lung)
    at_left[:, :between] = True
    right, left = np.zeros_like(lung), np.zeros_like(lung)
    for label in range(1, count):
        area = labels == label
        share = (area & at_left).sum() / area.sum()
        if CUT_MIN <= share <= 1 - CUT_MIN:
            right |= area & at_left
            left |= area & ~at_left
        elif share > 1 - CUT_MIN:
            right |= area
        else:
            left |= area
    return right, left
