"""How far the class activation map lies beside what it shows: a map drawn beside the film misleads a reader.

A map that is shifted is shifted alike for a film and for its mirror image; mirrored back, the two lie twice the shift
apart. The evidence itself cancels out.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from converter.package.network import InputSpec
from training.packaging.scores import Array, score

SHIFT_MAX = 24
# Two maps that agree less than this nowhere have no displacement to speak of.
CORRELATION_MIN = 0.7
PATCH_SIDE = 8


class MapShift(NamedTuple):
    """x: pixels of the input, positive to the right, mean over `films`."""

    x: float
    films: int


def mirror_shift(graph: bytes, inputs: Array, spec: InputSpec) -> MapShift:
    """The mean shift of the maps of `inputs`. Up and down says nothing: a chest upside down is answered otherwise."""
    columns = 3 if spec.layout == "NCHW" else 2
    maps = _refined(score(graph, inputs).cam, spec)
    back = np.flip(score(graph, np.ascontiguousarray(np.flip(inputs, columns))).cam, columns)
    apart = [displacement(one, other) for one, other in zip(maps, _refined(back, spec), strict=True)]
    found = [distance / 2 for distance in apart if distance is not None]
    return MapShift(float(np.mean(found)) if found else float("nan"), len(found))


def displacement(one: Array, other: Array) -> int | None:
    """By how many pixels `other` has to move to the right to lie on `one`; None when it nowhere does."""
    inner = tuple(slice(side // 5, side - side // 5) for side in one.shape)
    wanted = one[inner].ravel()
    if not wanted.std() or not other.std():
        return None
    steps = range(-SHIFT_MAX, SHIFT_MAX + 1)
    agreement = [np.corrcoef(np.roll(other, step, 1)[inner].ravel(), wanted)[0, 1] for step in steps]
    best = int(np.argmax(agreement))
    return steps[best] if agreement[best] >= CORRELATION_MIN else None


def response_shift(graph: bytes, inputs: Array, spec: InputSpec) -> tuple[float, float]:
    """(x, y): how far from a disturbed patch of the input, in pixels, the map changes; mean over patches and `inputs`.

    Each patch is noise upon the picture; its place is compared with the centre of the squared change. Patches stay
    away from the border, where a change has nowhere to go but inwards.
    """
    rng = np.random.default_rng(0)
    before = _planes(score(graph, inputs).cam, spec)
    rows, columns = before.shape[1:]
    centres_y, centres_x = (
        (np.arange(rows) + 0.5) * spec.height / rows,
        (np.arange(columns) + 0.5) * spec.width / columns,
    )
    distances = []
    for top in range(spec.height // 4, spec.height * 3 // 4, PATCH_SIDE):
        for left in range(spec.width // 4, spec.width * 3 // 4, PATCH_SIDE):
            disturbed = inputs.copy()
            patches = _planes(disturbed, spec)[:, top : top + PATCH_SIDE, left : left + PATCH_SIDE]
            patches += rng.normal(size=patches.shape).astype(np.float32)
            change = (_planes(score(graph, disturbed).cam, spec) - before) ** 2
            whole = change.sum(axis=(1, 2))
            found_x, found_y = change.sum(axis=1) @ centres_x / whole, change.sum(axis=2) @ centres_y / whole
            distances.append((found_x - left - PATCH_SIDE / 2, found_y - top - PATCH_SIDE / 2))
    x, y = np.mean(distances, axis=(0, 2))
    return float(x), float(y)


def _refined(cams: Array, spec: InputSpec) -> list[Array]:
    """The map of the first finding for each image, at the size of the input."""
    size = (spec.width, spec.height)
    return [
        np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_CUBIC), np.float32) for plane in _planes(cams, spec)
    ]


def _planes(maps: Array, spec: InputSpec) -> Array:
    """[N, rows, columns]: a view of the first channel of inputs, or of the first finding of maps."""
    return maps[:, 0] if spec.layout == "NCHW" else maps[..., 0]
