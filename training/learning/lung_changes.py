"""Changes of training films by which nothing but the lungs can be evidence, and the evidence has a place.

The background of another film says nothing of these lungs; without lungs there is nothing to say; and an opacity that
was drawn is known to the pixel.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.float32]
# How soft the edge of an exchanged background is, and the width of an opacity (one sigma), as shares of the side.
EDGE = 0.015
OPACITY_SIGMA = (0.045, 0.14)
# Where an opacity that was drawn is certainly there, and certainly not.
THERE, NOT_THERE = 0.4, 0.1
UNKNOWN = np.float32(-1)


def with_other_background(gray: Gray, lungs: Gray, other: Gray, rng: np.random.Generator) -> Gray:
    """The lungs of `gray` in the body of `other`, which is made as bright round them as this one was."""
    kept = _soft(_grown(lungs, float(rng.uniform(0, 0.05))))
    here, there = gray[lungs < 0.5], other[lungs < 0.5]
    if here.size and there.size:
        scale = (here.std() + 0.02) / (there.std() + 0.02)
        other = np.clip((other - there.mean()) * np.clip(scale, 0.5, 2) + here.mean(), 0, 1)
    # `kept` may be 1.0000001: below 0, no power of a gray value is a number
    return np.asarray(np.clip(kept * gray + (1 - kept) * other, 0, 1), dtype=np.float32)


def without_lungs(gray: Gray, lungs: Gray, rng: np.random.Generator) -> Gray:
    """The lungs painted out: in one gray, in noise, or in the blurred surroundings."""
    removed = _soft(_grown(lungs, float(rng.uniform(0, 0.06))))
    kind = rng.integers(3)
    if kind == 0:
        inside = gray[lungs > 0.5]
        value = float(inside.mean()) if inside.size and rng.random() < 0.5 else float(rng.random())
        paint = np.full_like(gray, value)
    elif kind == 1:
        noise = rng.standard_normal((16, 16), dtype=np.float32) * np.float32(0.15) + np.float32(rng.uniform(0.2, 0.8))
        paint = np.asarray(cv2.resize(noise, gray.shape[::-1], interpolation=cv2.INTER_CUBIC), dtype=np.float32)
    else:
        paint = np.asarray(cv2.GaussianBlur(gray, (0, 0), gray.shape[1] * 0.15), dtype=np.float32)
    return np.asarray(np.clip((1 - removed) * gray + removed * paint, 0, 1), dtype=np.float32)


def with_opacity(gray: Gray, lungs: Gray, rng: np.random.Generator) -> tuple[Gray, Gray]:
    """One to three opacities drawn into the lungs, and how much of each pixel (0..1) they fill."""
    rows, columns = gray.shape
    inside = np.argwhere(lungs > 0.5)
    filled = np.zeros_like(gray)
    if not len(inside):
        return gray, filled
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
        row, column = inside[rng.integers(len(inside))]
        size = np.exp(rng.uniform(*np.log(OPACITY_SIGMA))) * columns
        stretch, angle = np.exp(rng.uniform(-0.4, 0.4)), rng.uniform(0, np.pi)
        along = (x - column) * np.cos(angle) + (y - row) * np.sin(angle)
        across = -(x - column) * np.sin(angle) + (y - row) * np.cos(angle)
        blob = np.exp(-0.5 * ((along / (size * stretch)) ** 2 + (across * stretch / size) ** 2))
        filled = np.maximum(filled, blob.astype(np.float32))
    filled = np.clip(filled * _texture(gray.shape, rng) * _soft(_grown(lungs, 0.01)), 0, 1)
    strength = np.float32(rng.uniform(0.4, 1.0))
    # as bright as the soft tissue beside the lungs, not as white as metal
    bright = np.float32(np.percentile(gray, rng.uniform(75, 97)))
    return np.clip(gray + strength * filled * np.maximum(bright - gray, 0.05), 0, 1), filled


def places_of(filled: Gray, height: int, width: int) -> NDArray[np.float32]:
    """[height, width]: 1 in cells with an opacity, 0 in those without, UNKNOWN at its edge."""
    cells = np.asarray(cv2.resize(filled, (width, height), interpolation=cv2.INTER_AREA), dtype=np.float32)
    return np.where(cells >= THERE, 1, np.where(cells <= NOT_THERE, 0, UNKNOWN)).astype(np.float32)


def _texture(shape: tuple[int, ...], rng: np.random.Generator) -> Gray:
    """Patchy, as an infiltrate is."""
    side = int(rng.integers(6, 24))
    noise = rng.standard_normal((side, side), dtype=np.float32)
    fine = np.asarray(cv2.resize(noise, shape[::-1], interpolation=cv2.INTER_CUBIC), dtype=np.float32)
    return np.asarray(np.clip(1 + np.float32(rng.uniform(0, 0.4)) * fine, 0.3, 1.3), dtype=np.float32)


def _grown(lungs: Gray, share: float) -> Gray:
    pixels = int(share * lungs.shape[1])
    if not pixels:
        return lungs
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    return np.asarray(cv2.dilate(lungs, kernel), dtype=np.float32)


def _soft(lungs: Gray) -> Gray:
    return np.asarray(cv2.GaussianBlur(lungs, (0, 0), max(0.5, EDGE * lungs.shape[1])), dtype=np.float32)
