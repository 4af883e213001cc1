"""A frontal film of which nothing can be read any more: noise, blur, or gray values that are gone.

Each is well beyond what augmentation does to films that are to be accepted (training/gate/augment.py).
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]
Light = NDArray[np.float32]
# Noise is as coarse as a cell of this grid at least: finer noise is averaged away before the gate sees it.
GRAIN = 96


def unreadable(film: Gray, rng: np.random.Generator) -> Gray:
    """`film` with one of FAULTS; the same size."""
    fault = FAULTS[int(rng.integers(len(FAULTS)))]
    spoiled = fault(np.asarray(film / 255, np.float32), rng)
    return np.asarray(np.round(np.clip(spoiled, 0, 1) * 255), np.uint8)


def noisy(gray: Light, rng: np.random.Generator) -> Light:
    """Noise of every cell, or cells that are black or white."""
    if rng.random() < 0.6:
        return gray + _grained(rng.standard_normal((GRAIN, GRAIN), np.float32), gray) * np.float32(
            rng.uniform(0.25, 0.8)
        )
    lost = _grained(rng.random((GRAIN, GRAIN), np.float32), gray) < rng.uniform(0.2, 0.6)
    return np.where(lost, np.float32(rng.random() < 0.5), gray) if rng.random() < 0.3 else _salted(gray, lost, rng)


def blurred(gray: Light, rng: np.random.Generator) -> Light:
    """Out of focus, or moved by an eighth of its side and more."""
    side = gray.shape[0]
    if rng.random() < 0.6:
        return np.asarray(cv2.GaussianBlur(gray, (0, 0), side * float(rng.uniform(0.05, 0.12))), np.float32)
    length = max(3, int(side * rng.uniform(0.14, 0.35)))
    kernel = np.zeros((length, length), np.float32)
    angle = rng.uniform(0, np.pi)
    half = (length - 1) / 2
    end = np.round([half + half * np.cos(angle), half + half * np.sin(angle)]).astype(int).tolist()
    start = np.round([half - half * np.cos(angle), half - half * np.sin(angle)]).astype(int).tolist()
    cv2.line(kernel, start, end, 1.0)
    return np.asarray(cv2.filter2D(gray, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE), np.float32)


def dark(gray: Light, rng: np.random.Generator) -> Light:
    """So dark that few levels are left of all but the brightest, stretched, since the gate standardises what it sees;
    the noise of the detector is about as large as they are."""
    levels = int(rng.integers(2, 6))
    left = np.floor(gray ** np.float32(rng.uniform(3, 6)) * levels) / levels
    noise = _grained(rng.standard_normal((GRAIN, GRAIN), np.float32), gray) * np.float32(rng.uniform(0.1, 0.8) / levels)
    return np.asarray(left + noise, np.float32)


def bright(gray: Light, rng: np.random.Generator) -> Light:
    """So bright that few levels are left of all but the darkest."""
    levels = int(rng.integers(2, 6))
    return np.asarray(1 - np.floor((1 - gray) ** np.float32(rng.uniform(3, 6)) * levels) / levels, np.float32)


def clipped(gray: Light, rng: np.random.Generator) -> Light:
    """Black and white with next to nothing between them."""
    middle, width = np.quantile(gray, rng.uniform(0.15, 0.85)), rng.uniform(0.001, 0.06)
    return np.asarray((gray - middle) / width + 0.5, np.float32)


FAULTS: tuple[Callable[[Light, np.random.Generator], Light], ...] = (noisy, blurred, dark, bright, clipped)


def _grained(coarse: Light, gray: Light) -> Light:
    """`coarse` on the grid of `gray`, every cell sharp."""
    return np.asarray(cv2.resize(coarse, gray.shape[::-1], interpolation=cv2.INTER_NEAREST), np.float32)


def _salted(gray: Light, lost: NDArray[np.bool_], rng: np.random.Generator) -> Light:
    salt = _grained((rng.random((GRAIN, GRAIN)) < 0.5).astype(np.float32), gray)
    return np.where(lost, salt, gray)
