"""A frontal film as a camera sees it on a screen: in perspective, with a frame, perhaps a keyboard, moire and glare."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]
Light = NDArray[np.float32]
# Of the pictures that show the film from so near that nothing of the screen's frame is seen.
CLOSE_UP = 0.25


def on_a_screen(film: Gray, rng: np.random.Generator) -> Gray:
    """A photograph [side, side] of a screen that shows `film` [side, side]."""
    side = film.shape[0]
    shown = _screen(film, rng)
    near = rng.random() < CLOSE_UP
    room, corners = _room(side, rng), _corners(side, near, rng)
    if not near:
        _quadrilateral(room, _spread(corners, rng.uniform(1.05, 1.2)), float(rng.choice([0.03, 0.1, 0.2, 0.7])))
        if rng.random() < 0.6:
            _keyboard(room, int(corners[:, 1].max()), rng)
    whole = np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float32)
    turn = cv2.getPerspectiveTransform(whole, corners)
    placed = cv2.warpPerspective(shown, turn, (side, side))
    inside = cv2.warpPerspective(np.ones_like(shown), turn, (side, side))
    seen = inside * placed + (1 - inside) * room
    seen = seen * (1 + _moire(side, rng, 0.1 if near else 0.0) * inside)
    if near or rng.random() < 0.6:
        seen = seen + _glare(side, rng)
    noise = rng.standard_normal(seen.shape, np.float32) * np.float32(rng.uniform(0, 0.03))
    return np.asarray(np.round(np.clip(seen + noise, 0, 1) * 255), np.uint8)


def _screen(film: Gray, rng: np.random.Generator) -> Light:
    """The film in a viewer: less contrast, often with black beside it and the bars and captions of a program."""
    side = film.shape[0]
    gray = np.asarray(film / 255, np.float32) * np.float32(rng.uniform(0.6, 0.95)) + np.float32(rng.uniform(0, 0.1))
    if rng.random() < 0.5:
        wide, left = int(side * rng.uniform(0.55, 0.85)), int(side * rng.uniform(0, 0.15))
        beside = np.full_like(gray, float(rng.uniform(0, 0.15)))
        beside[:, left : left + wide] = cv2.resize(gray, (wide, side), interpolation=cv2.INTER_AREA)
        gray = beside
    if rng.random() < 0.6:
        gray[: int(side * rng.uniform(0.03, 0.1))] = rng.uniform(0.1, 0.9)
    if rng.random() < 0.4:
        gray[:, : int(side * rng.uniform(0.04, 0.15))] = rng.uniform(0.1, 0.9)
    if rng.random() < 0.5:
        at = (int(side * rng.uniform(0, 0.6)), int(side * rng.uniform(0.1, 0.95)))
        letters = np.zeros(gray.shape, np.uint8)
        cv2.putText(letters, "Chest PA 2/2", at, 0, side / 400, int(rng.integers(150, 256)), 1)
        gray = np.maximum(gray, np.asarray(letters / 255, np.float32))
    return gray


def _room(side: int, rng: np.random.Generator) -> Light:
    """What is behind: one gray with a fall of light and soft shadows."""
    steps = np.linspace(-1, 1, side, dtype=np.float32)
    fall = np.float32(rng.uniform(-0.2, 0.2)) * steps[:, np.newaxis] + np.float32(rng.uniform(-0.2, 0.2)) * steps
    coarse = rng.standard_normal((5, 5), np.float32) * np.float32(rng.uniform(0, 0.12))
    shadows = np.asarray(cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC), np.float32)
    return np.asarray(np.clip(np.float32(rng.uniform(0.1, 0.8)) + fall + shadows, 0, 1), np.float32)


def _corners(side: int, near: bool, rng: np.random.Generator) -> NDArray[np.float32]:
    """Of the screen in the photograph, clockwise from the upper left one."""
    left, top, right, low = rng.uniform(-0.05, 0.03, 4) if near else rng.uniform(0.05, 0.22, 4)
    corners = np.array([[left, top], [1 - right, top], [1 - right, 1 - low], [left, 1 - low]])
    corners = corners + rng.uniform(-0.05, 0.05, (4, 2))
    return np.asarray(corners * side, np.float32)


def _spread(corners: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    middle = corners.mean(axis=0)
    return np.asarray(middle + (corners - middle) * factor, np.float32)


def _quadrilateral(room: Light, corners: NDArray[np.float32], light: float) -> None:
    cv2.fillConvexPoly(room, np.round(corners).astype(np.int32), light)


def _keyboard(room: Light, top: int, rng: np.random.Generator) -> None:
    """Rows of keys below the screen."""
    side = room.shape[0]
    top = min(top + int(side * 0.04), int(side * 0.9))
    plate, key = rng.uniform(0, 1, 2)
    room[top:] = plate
    height, width = max(2, int(side * rng.uniform(0.03, 0.05))), max(3, int(side * rng.uniform(0.04, 0.07)))
    for row, y in enumerate(range(top + 1, side - height, height + 1)):
        for x in range(1 + 2 * (row % 2), side - width, width + 1):
            room[y : y + height - 1, x : x + width - 1] = key


def _moire(side: int, rng: np.random.Generator, least: float) -> Light:
    """What the grid of the screen and that of the camera make of each other: bent waves, some pixels of 64 long."""
    y, x = np.mgrid[-0.5 : 0.5 : side * 1j, -0.5 : 0.5 : side * 1j].astype(np.float32)
    angle, waves = rng.uniform(0, np.pi), rng.uniform(3, 20)
    along = x * np.cos(angle) + y * np.sin(angle) + rng.uniform(-0.5, 0.5) * (x**2 + rng.uniform(-1, 1) * y**2)
    return np.asarray(rng.uniform(least, 0.2) * np.sin(2 * np.pi * waves * along), np.float32)


def _glare(side: int, rng: np.random.Generator) -> Light:
    """A lamp or a window that the glass reflects."""
    y, x = np.mgrid[0 : 1 : side * 1j, 0 : 1 : side * 1j].astype(np.float32)
    column, row = rng.uniform(0, 1, 2)
    wide, high = rng.uniform(0.05, 0.3, 2)
    away = ((x - column) / wide) ** 2 + ((y - row) / high) ** 2
    spot = np.exp(-(away**2)) if rng.random() < 0.4 else np.exp(-away)  # a window has edges
    return np.asarray(rng.uniform(0.2, 0.7) * spot, np.float32)
