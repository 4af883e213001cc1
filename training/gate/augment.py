"""What happens to a picture on its way into a batch of the gate: exposure, position, borders, markers, sharpness.

A frontal film stays one under all of it, so the changes are kept to what consoles and collimators do.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from converter.image.model_input import normalise
from training.gate.spec import GATE_INPUT, SIDE

Gray = NDArray[np.uint8]

LEVELS = np.arange(256, dtype=np.float32) / np.float32(255)


def augmented(picture: Gray, rng: np.random.Generator, wild: bool) -> NDArray[np.float32]:
    """One picture [side, side] -> gate input [64, 64]; `wild` for what is no chest film, which may lie as it likes."""
    curve = LEVELS ** np.float32(math.exp(rng.uniform(-0.75, 0.75)))
    if rng.random() < 0.4:
        curve = 1 / (1 + np.exp(-4 * (curve - rng.uniform(0.3, 0.7)) / rng.uniform(0.3, 1.2)))
    toned = cv2.LUT(_equalised(picture, rng) if rng.random() < 0.25 else picture, np.asarray(curve, np.float32))
    edge = float(rng.choice([0.0, 1.0])) if rng.random() < 0.3 else None
    placed = cv2.warpAffine(
        toned,
        _placement(picture.shape[0], rng, wild),
        (SIDE, SIDE),
        borderMode=cv2.BORDER_REPLICATE if edge is None else cv2.BORDER_CONSTANT,
        borderValue=edge or 0.0,
    )
    gray = np.asarray(placed, np.float32)
    if rng.random() < 0.25:
        gray = _framed(gray, rng)
    if rng.random() < 0.3:
        gray = np.asarray(cv2.GaussianBlur(gray, (0, 0), float(rng.uniform(0.3, 1.2))), np.float32)
    gray = gray + rng.standard_normal(gray.shape, np.float32) * np.float32(rng.uniform(0, 0.04))
    if rng.random() < 0.3:
        top, left = rng.integers(0, SIDE - 8, 2)
        gray[top : top + rng.integers(2, 8), left : left + rng.integers(2, 10)] = rng.uniform(0.6, 1)
    return normalise(np.asarray(np.clip(gray, 0, 1), np.float32), GATE_INPUT)


def _equalised(picture: Gray, rng: np.random.Generator) -> Gray:
    tiles = int(rng.integers(2, 6))
    return np.asarray(cv2.createCLAHE(float(rng.uniform(1, 4)), (tiles, tiles)).apply(picture), np.uint8)


def _placement(side: int, rng: np.random.Generator, wild: bool) -> NDArray[np.float64]:
    angle = math.radians(rng.uniform(-12, 12))
    zoom = math.exp(rng.uniform(math.log(0.78), math.log(1.25))) * SIDE / side
    stretch = math.sqrt(math.exp(rng.uniform(-0.35, 0.35)))
    mirror = -1.0 if rng.random() < 0.5 and (wild or rng.random() < 0.4) else 1.0
    scale = np.diag([mirror * zoom * stretch, zoom / stretch])
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    linear = turn @ scale
    centre = np.full(2, (SIDE - 1) / 2) + rng.uniform(-0.08, 0.08, 2) * SIDE
    return np.column_stack([linear, centre - linear @ np.full(2, (side - 1) / 2)])


def _framed(gray: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Collimated: an even border on some of the sides, black or white."""
    framed = np.full_like(gray, float(rng.choice([0.0, 0.0, 1.0])))
    top, left, low, right = (int(share * SIDE) for share in rng.uniform(0, 0.12, 4))
    framed[top : SIDE - low, left : SIDE - right] = gray[top : SIDE - low, left : SIDE - right]
    return framed
