"""Which lung and which zones a region lies in, by the outline of the lungs."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from converter.result.lung_sides import Mask, two_lungs
from converter.result.place import ZONES, Place, Zone

# Cells are looked at this many times finer, so that a region smaller than a cell has its place too.
FINER = 4
# A region counts as in a lung this many cells beyond its outline, for opacities that hide the edge of it.
NEAR_CELLS = 2
# A lung or a zone is named when at least this share of what lies in the lungs, or in that lung, is there.
NAMED_MIN = 0.2


def place_of(
    region: Sequence[tuple[float, float]],
    lung: Mask,
    preview_shape: tuple[int, ...],
    preview_to_source: NDArray[np.float64],
) -> Place | None:
    """Where `region` is, a closed polygon of (column, row) in SCOORD's coordinates of the source frame.

    `lung` [h, w]: which cells are lung, over the same field of view as the preview. None where it does not show two
    lungs side by side: one that is hidden leaves it open where the other begins.
    """
    sides = two_lungs(lung)
    if sides is None:
        return None
    found = _drawn(region, lung.shape, preview_shape, preview_to_source)
    fine = [np.kron(side, np.ones((FINER, FINER), dtype=bool)) for side in sides]
    near = [_grown(side) for side in fine]
    parts = [found & near[own] & ~fine[1 - own] for own in (0, 1)]
    least = max(1.0, NAMED_MIN * sum(int(part.sum()) for part in parts))
    zones = [_zones(part, side) if part.sum() >= least else () for part, side in zip(parts, fine, strict=True)]
    return Place(right=zones[0], left=zones[1])


def _drawn(
    region: Sequence[tuple[float, float]],
    cells: tuple[int, ...],
    preview_shape: tuple[int, ...],
    preview_to_source: NDArray[np.float64],
) -> Mask:
    """`region` filled on the fine grid; of one outside the film, its place at the edge."""
    to_preview = np.linalg.inv(np.vstack([preview_to_source, [0.0, 0.0, 1.0]]))[:2]
    centres = np.column_stack([np.array(region, dtype=np.float64) - 0.5, np.ones(len(region))])
    sides = np.array([cells[1] * FINER, cells[0] * FINER])
    points = (centres @ to_preview.T + 0.5) * sides / np.array([preview_shape[1], preview_shape[0]])
    corners = np.clip(np.floor(points), 0, sides - 1).astype(np.int32)
    filled = np.zeros((sides[1], sides[0]), dtype=np.uint8)
    cv2.fillPoly(filled, [corners[:, np.newaxis]], 1)
    return filled.astype(bool)


def _grown(side: Mask) -> Mask:
    reach = 2 * NEAR_CELLS * FINER + 1
    return np.asarray(cv2.dilate(side.astype(np.uint8), np.ones((reach, reach), np.uint8)), dtype=bool)


def _zones(part: Mask, side: Mask) -> tuple[Zone, ...]:
    """The thirds of the height of `side` that `part` lies in; what is above or below it counts to the next one."""
    rows = np.flatnonzero(side.any(axis=1))
    edges = np.linspace(rows[0], rows[-1] + 1, len(ZONES) + 1)[1:-1]
    third = np.searchsorted(edges, np.nonzero(part)[0] + 0.5)
    counts = np.bincount(third, minlength=len(ZONES))
    return tuple(zone for zone, count in zip(ZONES, counts, strict=True) if count >= NAMED_MIN * len(third))
