"""Drawn pictures that are no radiograph: noise, ramps, stripes, cells, pages of text, plots, empty frames.

Each draws one picture, uint8 [SIDE, SIDE], 0 = black; everything that varies comes from `rng`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]
Draw = Callable[[np.random.Generator], Gray]

SIDE = 256
LETTERS = "ETAOIN SHRDLU CMFWYP VBGKQJXZ etaoin shrdlu cmfwyp 0123456789 .,:;-"


def white_noise(rng: np.random.Generator) -> Gray:
    """Independent gray levels in cells of 1 to 32 pixels, sharp or smoothed."""
    cell = int(rng.choice([1, 2, 4, 8, 16, 32]))
    small = rng.normal(128, rng.uniform(10, 90), (SIDE // cell, SIDE // cell)).clip(0, 255).astype(np.uint8)
    how = cv2.INTER_NEAREST if rng.random() < 0.5 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(small, (SIDE, SIDE), interpolation=how), np.uint8)


def clouds(rng: np.random.Generator) -> Gray:
    """Noise whose amplitude falls with frequency, by a random power from 0.5 (rough) to 2.5 (smooth)."""
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, np.newaxis], np.fft.rfftfreq(SIDE)[np.newaxis])
    frequency[0, 0] = 1
    spectrum = np.fft.rfft2(rng.standard_normal((SIDE, SIDE))) / frequency ** rng.uniform(0.5, 2.5)
    spectrum[0, 0] = 0
    return _stretched(np.fft.irfft2(spectrum))


def ramp(rng: np.random.Generator) -> Gray:
    """From black to white along a direction or away from a point, with a little noise."""
    x, y = _grid()
    angle = rng.uniform(0, 2 * math.pi)
    along = x * math.cos(angle) + y * math.sin(angle)
    if rng.random() < 0.5:
        along = np.hypot(x - rng.uniform(-0.5, 0.5), y - rng.uniform(-0.5, 0.5))
    return _stretched(along ** (1 if rng.random() < 0.5 else 2) + rng.uniform(0, 0.1) * rng.standard_normal(x.shape))


def stripes(rng: np.random.Generator) -> Gray:
    """Parallel waves or a checkerboard of them, with soft or hard edges."""
    x, y = _grid()
    angle, waves = rng.uniform(0, math.pi), rng.uniform(1, 25)
    wave = np.sin(2 * math.pi * waves * (x * math.cos(angle) + y * math.sin(angle)) + rng.uniform(0, 6))
    if rng.random() < 0.4:
        wave = wave * np.sin(2 * math.pi * waves * (y * math.cos(angle) - x * math.sin(angle)))
    return _stretched(np.sign(wave) if rng.random() < 0.4 else wave)


def cells(rng: np.random.Generator) -> Gray:
    """Each place in the gray of the nearest of some points."""
    x, y = _grid()
    points = rng.uniform(-0.5, 0.5, (int(rng.integers(4, 40)), 2))
    distances = np.hypot(x[..., np.newaxis] - points[:, 0], y[..., np.newaxis] - points[:, 1])
    if rng.random() < 0.5:
        return _stretched(distances.min(axis=-1))
    return np.asarray(rng.integers(0, 256, len(points))[distances.argmin(axis=-1)], np.uint8)


def rings(rng: np.random.Generator) -> Gray:
    """Waves around a point, perhaps fading outwards."""
    x, y = _grid()
    away = np.hypot((x - rng.uniform(-0.3, 0.3)) * rng.uniform(0.5, 2), y - rng.uniform(-0.3, 0.3))
    return _stretched(np.sin(2 * math.pi * rng.uniform(2, 20) * away) * np.exp(-away * rng.uniform(0, 4)))


def empty_frame(rng: np.random.Generator) -> Gray:
    """One gray, a little noise; sometimes a border, a marker or a bright field."""
    picture = np.full((SIDE, SIDE), rng.integers(0, 256), np.int32)
    if rng.random() < 0.6:
        top, left = rng.integers(0, SIDE // 2, 2)
        picture[top : top + rng.integers(20, SIDE), left : left + rng.integers(20, SIDE)] = rng.integers(0, 256)
    picture = picture + np.asarray(rng.normal(0, rng.uniform(0, 12), picture.shape), np.int32)
    gray = np.asarray(picture.clip(0, 255), np.uint8)
    if rng.random() < 0.5:
        _write(gray, "RL"[rng.integers(0, 2)], rng, float(rng.uniform(0.5, 2)), int(rng.integers(0, 256)))
    return gray


def blobs(rng: np.random.Generator) -> Gray:
    """Blurred ellipses at random places on one gray. Two of them sometimes look like lungs, which the gate must learn
    to refuse."""
    picture = np.full((SIDE, SIDE), int(rng.integers(0, 256)), np.uint8)
    for _ in range(int(rng.integers(1, 10))):
        centre, axes = rng.integers(0, SIDE, 2).tolist(), rng.integers(5, SIDE // 2, 2).tolist()
        cv2.ellipse(picture, centre, axes, float(rng.uniform(0, 180)), 0, 360, int(rng.integers(0, 256)), -1)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.3, 12))), np.uint8)


def text_page(rng: np.random.Generator) -> Gray:
    """Lines of letters in one or two columns, dark on bright or bright on dark, perhaps with a picture or a table."""
    page = np.full((SIDE, SIDE), 255, np.uint8)
    size = float(rng.uniform(0.2, 0.7))
    step, columns = int(30 * size) + 3, int(rng.integers(1, 3))
    for column in range(columns):
        left = 10 + column * (SIDE // columns)
        for y in range(int(rng.integers(10, 60)), int(rng.integers(150, SIDE)), step):
            letters = "".join(rng.choice(list(LETTERS), int(rng.integers(3, 60 // columns))))
            cv2.putText(page, letters, (left, y), int(rng.integers(0, 5)), size, int(rng.integers(0, 90)), 1)
        if columns == 2:
            page[:, left + SIDE // columns - 16 : left + SIDE // columns] = 255
    if rng.random() < 0.3:
        top, left = rng.integers(10, SIDE // 2, 2)
        cv2.rectangle(page, (int(left), int(top)), (int(left) + 90, int(top) + 70), int(rng.integers(0, 200)), -1)
    if rng.random() < 0.3:
        for line in range(10, SIDE, int(rng.integers(12, 40))):
            cv2.line(page, (5, line), (SIDE - 5, line), 60, 1)
    return 255 - page if rng.random() < 0.3 else page


def plot(rng: np.random.Generator) -> Gray:
    """Axes with curves, bars or dots."""
    page = np.full((SIDE, SIDE), 255, np.uint8)
    cv2.line(page, (30, 20), (30, 225), 0, 2)
    cv2.line(page, (30, 225), (240, 225), 0, 2)
    x = np.arange(35, 236, 5)
    for _ in range(int(rng.integers(1, 4))):
        y = (225 - 190 * np.abs(np.cumsum(rng.normal(0, 0.08, x.size)) + rng.uniform(0, 0.8)).clip(0, 1)).astype(int)
        colour, kind = int(rng.integers(0, 160)), int(rng.integers(0, 3))
        for here, there in zip(zip(x, y, strict=True), zip(x[1:], y[1:], strict=True), strict=False):
            at, to = (int(here[0]), int(here[1])), (int(there[0]), int(there[1]))
            if kind == 0:
                cv2.line(page, at, to, colour, 2)
            elif kind == 1:
                cv2.rectangle(page, at, (at[0] + 3, 225), colour, -1)
            else:
                cv2.circle(page, at, 3, colour, -1)
    _write(page, "".join(rng.choice(list(LETTERS), 12)), rng, 0.5, 0)
    return 255 - page if rng.random() < 0.2 else page


def screen(rng: np.random.Generator) -> Gray:
    """Nested rectangles with captions, as windows of a program."""
    page = np.full((SIDE, SIDE), int(rng.integers(150, 256)), np.uint8)
    for _ in range(int(rng.integers(3, 14))):
        (x, y), (w, h) = rng.integers(0, 220, 2).tolist(), rng.integers(15, 150, 2).tolist()
        cv2.rectangle(page, (x, y), (x + w, y + h), int(rng.integers(0, 256)), -1 if rng.random() < 0.7 else 1)
        cv2.putText(page, "".join(rng.choice(list(LETTERS), 10)), (x + 2, y + 12), 0, 0.35, int(rng.integers(0, 256)))
    return page


def _grid() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    steps = np.linspace(-0.5, 0.5, SIDE)
    return np.broadcast_to(steps, (SIDE, SIDE)).copy(), np.broadcast_to(steps[:, np.newaxis], (SIDE, SIDE)).copy()


def _stretched(values: NDArray[np.floating]) -> Gray:
    low, high = float(values.min()), float(values.max())
    return np.asarray(np.round((values - low) / max(high - low, 1e-9) * 255), np.uint8)


def _write(picture: Gray, text: str, rng: np.random.Generator, size: float, level: int) -> None:
    x, y = rng.integers(10, SIDE - 40, 2).tolist()
    cv2.putText(picture, text, (x, y), 0, size, level, 2)
