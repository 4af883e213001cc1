"""What consoles and viewers do to the tones of a film, and what is lost on the way: exposure, windows, local contrast,
noise, blur, compression. All of it leaves the patient as he is.

Local contrast (CLAHE, equalisation, bands of detail weighed apart) is what makers' processing does to every film of the
day; a network that has not seen it takes it for disease.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.float32]
# The share of films of which each is true.
LOCAL_CONTRAST, LOST, NOISY = 0.45, 0.4, 0.4


def change_tone(gray: Gray, rng: np.random.Generator) -> Gray:
    """`gray` [H, W], 0..1, as another console would show it."""
    gray = _exposed(gray, rng)
    if rng.random() < LOCAL_CONTRAST:
        gray = LOCAL[int(rng.integers(len(LOCAL)))](gray, rng)
    if rng.random() < LOST:
        gray = LOSSES[int(rng.integers(len(LOSSES)))](gray, rng)
    if rng.random() < NOISY:
        gray = gray + rng.standard_normal(gray.shape, dtype=np.float32) * np.float32(rng.uniform(0, 0.05))
    return np.clip(gray, 0, 1)


def _exposed(gray: Gray, rng: np.random.Generator) -> Gray:
    curve = gray ** np.float32(math.exp(rng.uniform(-0.6, 0.6)))
    if rng.random() < 0.4:
        centre, width = np.float32(rng.uniform(0.35, 0.65)), np.float32(rng.uniform(0.4, 1.2))
        curve = 1 / (1 + np.exp(-4 * (curve - centre) / width))
    if rng.random() < 0.2:  # a window that cuts off the darkest and the brightest
        low, high = np.float32(rng.uniform(0, 0.15)), np.float32(rng.uniform(0.8, 1))
        curve = np.clip((curve - low) / (high - low), 0, 1)
    return np.asarray(curve, dtype=np.float32)


def adapted(gray: Gray, rng: np.random.Generator) -> Gray:
    """Contrast-limited adaptive histogram equalisation (Zuiderveld 1994)."""
    tiles = int(rng.integers(3, 11))
    made = cv2.createCLAHE(float(np.exp(rng.uniform(np.log(1.2), np.log(8)))), (tiles, tiles))
    return _mixed(gray, np.asarray(made.apply(as_bytes(gray)) / 255, np.float32), rng)


def equalised(gray: Gray, rng: np.random.Generator) -> Gray:
    """The histogram of the whole film made flat."""
    return _mixed(gray, np.asarray(cv2.equalizeHist(as_bytes(gray)) / 255, np.float32), rng)


def banded(gray: Gray, rng: np.random.Generator) -> Gray:
    """Bands of detail weighed apart, as multi-frequency processing does."""
    made, rest = np.zeros_like(gray), gray
    for sigma in (gray.shape[1] / 100, gray.shape[1] / 32, gray.shape[1] / 10):
        smooth = np.asarray(cv2.GaussianBlur(rest, (0, 0), sigma), np.float32)
        made += (rest - smooth) * np.float32(rng.uniform(0.5, 2.8))
        rest = smooth
    middle = np.float32(rest.mean())
    return np.clip(made + middle + (rest - middle) * np.float32(rng.uniform(0.4, 1.1)), 0, 1)


def blurred(gray: Gray, rng: np.random.Generator) -> Gray:
    return np.asarray(cv2.GaussianBlur(gray, (0, 0), gray.shape[1] / 160 * float(rng.uniform(0.4, 1.6))), np.float32)


def reduced(gray: Gray, rng: np.random.Generator) -> Gray:
    """Made small and large again, down to the 64 pixels of the smallest collection."""
    height, width = gray.shape
    share = math.exp(rng.uniform(math.log(64 / max(height, width)), math.log(0.9)))
    small = cv2.resize(gray, (max(8, int(width * share)), max(8, int(height * share))), interpolation=cv2.INTER_AREA)
    kind = cv2.INTER_LINEAR if rng.random() < 0.5 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(small, (width, height), interpolation=kind), dtype=np.float32)


def compressed(gray: Gray, rng: np.random.Generator) -> Gray:
    """Through JPEG."""
    _, coded = cv2.imencode(".jpg", as_bytes(gray), [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 90))])
    return np.asarray(np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE)) / 255, np.float32)


def as_bytes(gray: Gray) -> NDArray[np.uint8]:
    return np.round(np.clip(gray, 0, 1) * 255).astype(np.uint8)


def _mixed(gray: Gray, changed: Gray, rng: np.random.Generator) -> Gray:
    share = np.float32(rng.uniform(0.4, 1))
    return (1 - share) * gray + share * changed


LOCAL: tuple[Callable[[Gray, np.random.Generator], Gray], ...] = (adapted, equalised, banded)
LOSSES: tuple[Callable[[Gray, np.random.Generator], Gray], ...] = (blurred, reduced, compressed)
