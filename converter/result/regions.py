"""Where in the source frame the model looked: from a class activation map to contours in source pixels.

Positions are those of SCOORD (PS3.3 C.18.6.1.1): the frame spans 0 to columns and 0 to rows, so that the centre of the
first pixel is (0.5, 0.5). Affine maps in this package take pixel centres counted from 0, half a pixel less.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from converter.result.findings import Point, Region
from converter.result.label_mark import begun_beside
from converter.result.lung_sides import Mask, two_lungs
from converter.result.placing import place_of
from converter.result.unplaced import BOTH_LUNGS, FLAT_MAP, OUTSIDE_LUNGS

# Part of full colour, or of the strongest activation of a map that has no fixed scale, from which a spot is outlined.
LEVEL_OF_SCALE, LEVEL_OF_PEAK = 0.5, 0.6
# The map is refined to this many samples a side before its outlines are taken.
OUTLINE_SIDE = 256
SAMPLES_A_CELL = 8
# Spots below this share of the film are none, and so are those beyond the strongest few.
SPOT_MIN, SPOTS_MAX = 0.001, 4
# The strongest sample of a spot may lie so many cells of the outline beyond the lungs, and gaps of the outline that are
# no wider on either side count as lung: opacities hide what is under them.
NEAR_CELLS = 2
# A spot of which each lung has at least this share is in both.
OF_BOTH_MIN = 0.2
# A corner of a contour that is nearer to the line than so many samples is left out.
SMOOTH = 0.6
_KERNEL = np.ones((2 * NEAR_CELLS + 1, 2 * NEAR_CELLS + 1), np.uint8)


class Field(NamedTuple):
    """What a film's maps are laid over: the shape of its preview, [2, 3] from there to the source, and the source's."""

    preview_shape: tuple[int, ...]
    preview_to_source: NDArray[np.float64]
    source_shape: tuple[int, int]


def regions_of(
    cam: NDArray[np.float32],
    full_scale: float | None,
    field: Field,
    lungs: NDArray[np.float32] | None = None,
    is_zoned: bool = True,
) -> tuple[tuple[Region, ...], str]:
    """The contours of the spots of `cam`, the strongest first, or none and why, a code of converter.result.unplaced.

    A spot is a connected area above a level that is the same for all films where the map has a scale, and inside the
    lungs where `lungs` [h, w], the share of lung in each cell, is given; `is_zoned`: whether zones of them can be told.
    """
    fine = evidence(cam, OUTLINE_SIDE, OUTLINE_SIDE)
    found = spots(fine, full_scale)
    if not found:
        return (), FLAT_MAP
    if lungs is None:
        return tuple(Region(_outline(spot, field)) for spot in found), ""
    lung, near = (resized(one, OUTLINE_SIDE, OUTLINE_SIDE) > 0.5 for one in (closed(lungs), _grown(lungs)))
    regions: list[Region] = []
    why = ""
    for spot in found:
        parts, reason = _within(spot, fine, lung, near)
        why = why or reason
        for part in parts:
            outline = _outline(part, field)
            place = None
            if is_zoned:
                place = place_of(outline, np.asarray(lungs > 0.5), field.preview_shape, field.preview_to_source)
            regions.append(Region(outline, place))
    return tuple(regions[:SPOTS_MAX]), "" if regions else why


def level_of(fine: NDArray[np.float32], full_scale: float | None) -> float:
    """The activation from which a spot of a map is outlined."""
    return LEVEL_OF_PEAK * float(fine.max()) if full_scale is None else LEVEL_OF_SCALE * full_scale


def spots(fine: NDArray[np.float32], full_scale: float | None) -> list[Mask]:
    """The connected areas of `fine` above the level, by their strongest sample; none of a map without activation."""
    if float(fine.max()) <= 0:
        return []
    found = list(_areas(np.asarray(fine >= level_of(fine, full_scale)), SPOT_MIN * fine.size))
    return sorted(found, key=lambda spot: -float(fine[spot].max()))[:SPOTS_MAX]


def whole_frame(source_shape: tuple[int, int]) -> tuple[Point, ...]:
    """The closed rectangle through the centres of the frame's border pixels."""
    return rectangle([(0.0, 0.0), (source_shape[1], source_shape[0])], source_shape)


def rectangle(points: Sequence[Point], source_shape: tuple[int, int] | None = None) -> tuple[Point, ...]:
    """The closed rectangle round `points`, inside the frame where its shape is given."""
    corners = np.array(points, dtype=np.float64)
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    outline = np.array([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)])
    return _in_frame(outline, source_shape) if source_shape else tuple((float(x), float(y)) for x, y in outline)


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


def closed(lungs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Shares of lung [h, w] without the gaps that an opacity tears into an outline."""
    whole = cv2.morphologyEx((lungs > 0.5).astype(np.float32), cv2.MORPH_CLOSE, _KERNEL)
    return np.maximum(lungs, whole)


def resized(lungs: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    """Shares of lung, or of colour, in `rows` x `columns` over the same field of view."""
    return np.asarray(cv2.resize(lungs, (columns, rows), interpolation=cv2.INTER_LINEAR), np.float32)


def _areas(mask: Mask, least: float) -> Iterator[Mask]:
    """The connected areas of `mask` of at least so many samples."""
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    for label in range(1, count):
        if statistics[label, cv2.CC_STAT_AREA] >= least:
            yield np.asarray(labels == label)


def _grown(lungs: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.dilate((lungs > 0.5).astype(np.float32), _KERNEL), np.float32)


def _within(spot: Mask, fine: NDArray[np.float32], lung: Mask, near: Mask) -> tuple[list[Mask], str]:
    """The part of `spot` in the lung that it is in, or none and why; `near`: what counts as in the lungs for its
    strongest sample."""
    if not near.flat[int(np.where(spot, fine, -1).argmax())]:
        return [], OUTSIDE_LUNGS
    sides = two_lungs(lung)
    shares = [(spot & side).sum() / spot.sum() for side in sides or ()]
    if shares and min(shares) >= OF_BOTH_MIN:
        return [], BOTH_LUNGS
    inside = spot & (lung if sides is None else sides[int(np.argmax(shares))])
    parts = list(_areas(inside, SPOT_MIN * fine.size))
    return ([max(parts, key=np.sum)], "") if parts else ([], OUTSIDE_LUNGS)


def _outline(spot: Mask, field: Field) -> tuple[Point, ...]:
    """The contour of `spot`, a mask over the whole preview, closed, in source pixels and inside the frame."""
    double = cv2.resize(spot.astype(np.uint8), None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    smooth = (cv2.blur(double.astype(np.float32), (5, 5)) >= 0.5).astype(np.uint8)
    lines, _ = cv2.findContours(smooth, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    line = cv2.approxPolyDP(max(lines, key=cv2.contourArea), 2 * SMOOTH, closed=True)[:, 0]
    shape = np.array([field.preview_shape[1], field.preview_shape[0]])
    centres = (line + 0.5) / (2 * OUTLINE_SIDE) * shape - 0.5
    found = np.column_stack([centres, np.ones(len(centres))]) @ field.preview_to_source.T + 0.5
    return begun_beside(_in_frame(np.vstack([found, found[:1]]), field.source_shape), field.source_shape[1])


def _in_frame(points: NDArray[np.float64], source_shape: tuple[int, int]) -> tuple[Point, ...]:
    rows, columns = source_shape
    return tuple(
        (round(float(np.clip(x, 0.5, columns - 0.5)), 2), round(float(np.clip(y, 0.5, rows - 0.5)), 2))
        for x, y in points
    )
