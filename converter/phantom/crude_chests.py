"""Chests as one draws them by hand or with a few commands: ellipses for lungs and heart, arcs for ribs, a line for the
spine. They are no radiographs, whatever they remind of, and a gate has to refuse them.

Each draws one picture, uint8 [SIDE, SIDE], 0 = black; everything that varies comes from `rng`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]

SIDE = 256
RIBS = (5, 11)


@dataclass(frozen=True)
class _Plan:
    """Where everything lies, in pixels, the same for both ways to draw it."""

    body: tuple[int, int]
    lung: tuple[int, int]
    apart: int
    top: int
    heart: tuple[int, int, int, int]
    ribs: int


def painted_chest(rng: np.random.Generator) -> Gray:
    """Flat fields of gray with sharp or softened edges, as a paint program fills them."""
    plan = _plan(rng)
    ground, flesh, air, heart, bone = _grays(rng)
    picture = np.full((SIDE, SIDE), ground, np.uint8)
    if rng.random() < 0.7:
        if rng.random() < 0.5:
            cv2.ellipse(picture, (SIDE // 2, SIDE * 11 // 20), plan.body, 0, 0, 360, flesh, -1)
        else:
            (wide, high), middle = plan.body, SIDE // 2
            cv2.rectangle(picture, (middle - wide, middle - high), (middle + wide, SIDE), flesh, -1)
    for side in (-1, 1):
        cv2.ellipse(picture, (SIDE // 2 + side * plan.apart, plan.top), plan.lung, side * 4, 0, 360, air, -1)
    x, y, wide, high = plan.heart
    cv2.ellipse(picture, (x, y), (wide, high), 25, 0, 360, heart, -1)
    _ribs(picture, plan, bone, int(rng.integers(1, 6)), rng)
    if rng.random() < 0.7:
        half = int(rng.integers(4, 14))
        cv2.rectangle(picture, (SIDE // 2 - half, 10), (SIDE // 2 + half, SIDE - 10), bone, -1)
    return _finished(picture, rng)


def lined_chest(rng: np.random.Generator) -> Gray:
    """Outlines only, dark on bright as on paper or bright on dark as on a board."""
    plan, width = _plan(rng), int(rng.integers(1, 5))
    paper, ink = (int(rng.integers(190, 256)), int(rng.integers(0, 90)))
    picture = np.full((SIDE, SIDE), paper, np.uint8)
    if rng.random() < 0.7:
        cv2.ellipse(picture, (SIDE // 2, SIDE * 11 // 20), plan.body, 0, 0, 360, ink, width)
    for side in (-1, 1):
        cv2.ellipse(picture, (SIDE // 2 + side * plan.apart, plan.top), plan.lung, side * 4, 0, 360, ink, width)
    x, y, wide, high = plan.heart
    cv2.ellipse(picture, (x, y), (wide, high), 25, 0, 360, ink, width)
    _ribs(picture, plan, ink, width, rng)
    if rng.random() < 0.6:
        cv2.line(picture, (SIDE // 2, 10), (SIDE // 2, SIDE - 10), ink, width)
    if rng.random() < 0.4:
        cv2.putText(picture, "LR"[rng.integers(0, 2)], (SIDE - 40, 40), 0, 1, ink, width)
    return _finished(255 - picture if rng.random() < 0.4 else picture, rng)


CRUDE_CHESTS = (painted_chest, lined_chest)


def _plan(rng: np.random.Generator) -> _Plan:
    high = int(rng.integers(60, 100))
    return _Plan(
        body=(int(rng.integers(95, 126)), int(rng.integers(95, 126))),
        lung=(int(rng.integers(24, 46)), high),
        apart=int(rng.integers(44, 66)),
        top=int(rng.integers(105, 140)),
        heart=(int(rng.integers(135, 160)), int(rng.integers(140, 185)), *rng.integers(20, 48, 2).tolist()),
        ribs=int(rng.integers(*RIBS)),
    )


def _grays(rng: np.random.Generator) -> tuple[int, int, int, int, int]:
    """Of ground, flesh, air, heart and bone: mostly in the order of a radiograph, sometimes in any."""
    if rng.random() < 0.75:
        levels = np.sort(rng.choice(np.arange(0, 256, 8), 4, replace=False))
        ground = int(levels[0] if rng.random() < 0.7 else 255)
        return ground, int(levels[2]), int(levels[1]), int(levels[3]), int(rng.integers(int(levels[2]), 256))
    ground, flesh, air, heart, bone = rng.integers(0, 256, 5).tolist()
    return ground, flesh, air, heart, bone


def _ribs(picture: Gray, plan: _Plan, gray: int, width: int, rng: np.random.Generator) -> None:
    if rng.random() < 0.15:
        return
    sag = int(rng.integers(8, 34))
    for number in range(plan.ribs):
        y = plan.top - plan.lung[1] + int((number + 0.5) * 2 * plan.lung[1] / plan.ribs)
        for side in (-1, 1):
            start, end = (180, 270) if side < 0 else (270, 360)
            centre = (SIDE // 2 + side * 4, y + sag)
            cv2.ellipse(picture, centre, (plan.apart + plan.lung[0], sag), 0, start, end, gray, width)


def _finished(picture: Gray, rng: np.random.Generator) -> Gray:
    """Softened and noisy now and then, never so much that a drawing is no drawing any more."""
    drawn: NDArray[np.float32] = picture.astype(np.float32)
    if rng.random() < 0.5:
        drawn = np.asarray(cv2.GaussianBlur(drawn, (0, 0), float(rng.uniform(0.5, 4))), np.float32)
    drawn = drawn + rng.normal(0, rng.uniform(0, 12), drawn.shape).astype(np.float32)
    return np.asarray(np.clip(np.round(drawn), 0, 255), np.uint8)
