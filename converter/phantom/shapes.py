"""Shapes that X-rays pass through, as maps of how many centimetres of them each ray meets.

Lengths are in centimetres, x from the midline to the picture's right, y downwards from the top edge. A layer is
float32 [ROWS, COLUMNS], in centimetres where nothing else is said.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Layer = NDArray[np.float32]
Points = Sequence[tuple[float, float]]

PIXEL_CM = 0.024
ROWS, COLUMNS = 1750, 1500


def grid() -> tuple[Layer, Layer]:
    """x and y of every pixel."""
    y, x = np.mgrid[0:ROWS, 0:COLUMNS].astype(np.float32)
    return (x - (COLUMNS - 1) / 2) * PIXEL_CM, y * PIXEL_CM


def to_pixels(points: Points) -> NDArray[np.float32]:
    """Points [n, 2] in centimetres as column and row."""
    xy = np.asarray(points, np.float32)
    return xy / PIXEL_CM + np.array([(COLUMNS - 1) / 2, 0], np.float32)


def curve_through(points: Points, closed: bool, steps: int = 24) -> NDArray[np.float32]:
    """Catmull-Rom curve through the points, [m, 2] in centimetres, with `steps` points between two of them."""
    p = np.asarray(points, np.float32)
    around = np.concatenate([p[-1:], p, p[:2]]) if closed else np.concatenate([p[:1], p, p[-1:]])
    t = np.linspace(0, 1, steps, endpoint=False, dtype=np.float32)[:, None]
    parts = []
    for a, b, c, d in zip(around, around[1:], around[2:], around[3:], strict=False):
        parts.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * (b - c) + d - a) * t**3))
    return np.concatenate(parts) if closed else np.concatenate([*parts, p[-1:]])


def filled(points: Points) -> NDArray[np.uint8]:
    """The inside of a closed outline: uint8 [ROWS, COLUMNS], 255 inside, 0 outside, in between on the edge."""
    mask = np.zeros((ROWS, COLUMNS), np.uint8)
    outline = np.round(to_pixels(curve_through(points, closed=True).tolist()) * 16).astype(np.int32)
    cv2.fillPoly(mask, [outline], 255, lineType=cv2.LINE_AA, shift=4)
    return mask


def blur(layer: Layer, sigma_cm: float) -> Layer:
    """Gaussian of standard deviation `sigma_cm`. A wide one is computed on a smaller copy; no difference is seen."""
    shrink = max(1, int(sigma_cm / PIXEL_CM / 6))
    size = (COLUMNS // shrink, ROWS // shrink)
    small = cv2.resize(layer, size, interpolation=cv2.INTER_AREA) if shrink > 1 else layer
    blurred = cv2.GaussianBlur(small, (0, 0), sigma_cm / PIXEL_CM / shrink)
    return np.asarray(cv2.resize(blurred, (COLUMNS, ROWS), interpolation=cv2.INTER_CUBIC), np.float32)


def pillow(points: Points, depth_cm: float, rim_cm: float) -> Layer:
    """A rounded solid with this outline: its full depth is reached `rim_cm` inside the edge."""
    inside = cv2.distanceTransform((filled(points) > 127).astype(np.uint8), cv2.DIST_L2, 5) * PIXEL_CM
    rim = np.clip(inside / rim_cm, 0, 1)
    return blur((depth_cm * np.sqrt(1 - (1 - rim) ** 2)).astype(np.float32), 0.04)


def rod(points: Points, width_cm: float, wall_cm: float, marrow: float = 0.3) -> Layer:
    """A bone along a curve: dense wall, spongy inside, so that its edges are brightest."""
    layer = np.zeros((ROWS, COLUMNS), np.float32)
    line = np.round(to_pixels(curve_through(points, closed=False).tolist())).astype(np.int32)
    margin = round(width_cm / PIXEL_CM) + 2
    left, top = np.maximum(line.min(axis=0) - margin, 0)
    right, bottom = np.minimum(line.max(axis=0) + margin, (COLUMNS, ROWS))
    if right <= left or bottom <= top:
        return layer
    away = np.full((bottom - top, right - left), 255, np.uint8)
    cv2.polylines(away, [line - (left, top)], False, 0, 1)
    distance = cv2.distanceTransform(away, cv2.DIST_L2, 5) * PIXEL_CM
    outer = np.sqrt(np.maximum((width_cm / 2) ** 2 - distance**2, 0))
    inner = np.sqrt(np.maximum((width_cm / 2 - wall_cm) ** 2 - distance**2, 0))
    layer[top:bottom, left:right] = 2 * (outer - (1 - marrow) * inner)
    return layer


def clouds(random: np.random.Generator, largest_cm: float, octaves: int, gain: float = 0.55) -> Layer:
    """Fractal noise with mean 0 and standard deviation 1; each octave is half as large as the one before, from
    `largest_cm` on, and `gain` times as strong."""
    total = np.zeros((ROWS, COLUMNS), np.float32)
    for octave in range(octaves):
        cell = max(largest_cm / 2**octave / PIXEL_CM, 1.0)
        coarse = random.standard_normal((int(ROWS / cell) + 3, int(COLUMNS / cell) + 3)).astype(np.float32)
        total += gain**octave * cv2.resize(coarse, (COLUMNS, ROWS), interpolation=cv2.INTER_CUBIC)
    return np.asarray((total - total.mean()) / total.std(), np.float32)


def ellipsoid(x0: float, y0: float, rx: float, ry: float, depth_cm: float) -> Layer:
    """A solid around (x0, y0) with radii rx and ry, `depth_cm` thick in its middle."""
    x, y = grid()
    return np.asarray(depth_cm * np.sqrt(np.maximum(1 - ((x - x0) / rx) ** 2 - ((y - y0) / ry) ** 2, 0)), np.float32)
