"""What a film carries that is not the patient: quantum noise, scatter, collimator edges, devices, text markers.

Drawn on training images only. Each is told by where it is found: markers and collimators at the edge, tubes and leads
across the chest. A network that has seen them on films of both classes cannot take them for evidence.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from training.learning.recipe import Augmentation

Gray = NDArray[np.float32]
MARKERS = ("L", "R", "AP", "PA", "SUPINE", "ERECT", "PORTABLE", "LT", "RT")
FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_TRIPLEX)
DEVICES_MOST = 6
PHOTONS_FEWEST, PHOTONS_MOST = 200.0, 3000.0


def add_artefacts(gray: Gray, recipe: Augmentation, rng: np.random.Generator) -> Gray:
    """`gray` (0..1, [H, W]) with those artefacts whose turn it is; the order is that in which a film gets them."""
    steps: tuple[tuple[float, Callable[[Gray, np.random.Generator], Gray]], ...] = (
        (recipe.device, draw_devices),
        (recipe.scatter, veil),
        (recipe.quantum_noise, count_photons),
        (recipe.collimation, collimate),
        (recipe.marker, write_marker),
    )
    for share, artefact in steps:
        if share and rng.random() < share:
            gray = artefact(gray, rng)
    return gray


def veil(gray: Gray, rng: np.random.Generator) -> Gray:
    """Scattered radiation: a wide blur of the film itself lies over it and takes contrast away."""
    share = np.float32(rng.uniform(0.1, 0.45))
    wide = cv2.GaussianBlur(gray, (0, 0), gray.shape[1] * float(rng.uniform(0.08, 0.2)))
    return np.asarray((1 - share) * gray + share * wide, dtype=np.float32)


def count_photons(gray: Gray, rng: np.random.Generator) -> Gray:
    """Quantum noise: few photons pass the bright parts of a film, so these are noisier than the dark ones."""
    photons = np.float32(np.exp(rng.uniform(np.log(PHOTONS_FEWEST), np.log(PHOTONS_MOST))))
    passed = np.maximum(1 - gray, 0.05)
    noise = rng.standard_normal(gray.shape, dtype=np.float32) * np.sqrt(passed / photons)
    return np.asarray(np.clip(gray + noise, 0, 1), dtype=np.float32)


def collimate(gray: Gray, rng: np.random.Generator) -> Gray:
    """Shutters over one to four sides, black, or bright where the display inverts what was not exposed."""
    height, width = gray.shape
    cut = gray.copy()
    value = np.float32(0.0 if rng.random() < 0.8 else rng.uniform(0.6, 1.0))
    for side in rng.permutation(4)[: rng.integers(1, 5)]:
        depth = int(rng.integers(1, max(2, (height, width)[side % 2] // 6)))
        band = (slice(0, depth), slice(None)), (slice(None), slice(0, depth))
        far = (slice(height - depth, None), slice(None)), (slice(None), slice(width - depth, None))
        cut[(*band, *far)[side]] = value
    return cut


def draw_devices(gray: Gray, rng: np.random.Generator) -> Gray:
    """One to six leads, tubes and electrodes: who is monitored carries several."""
    for _ in range(int(rng.integers(1, DEVICES_MOST + 1))):
        gray = draw_device(gray, rng)
    return gray


def draw_device(gray: Gray, rng: np.random.Generator) -> Gray:
    """A lead or a tube across the film, or an electrode: thin and bright."""
    height, width = gray.shape
    drawn = np.zeros_like(gray)
    if rng.random() < 0.7:
        ends = rng.uniform((0, 0), (width, height), (2, 2))
        bend = rng.uniform((width * 0.2, height * 0.2), (width * 0.8, height * 0.8))
        place = np.linspace(0, 1, 24)[:, np.newaxis]
        curve = (1 - place) ** 2 * ends[0] + 2 * place * (1 - place) * bend + place**2 * ends[1]
        cv2.polylines(drawn, [np.rint(curve).astype(np.int32)], False, 1.0, int(rng.integers(1, 3)), cv2.LINE_AA)
    else:
        centre = rng.uniform((width * 0.15, height * 0.15), (width * 0.85, height * 0.85)).astype(int)
        radius = int(rng.integers(2, max(3, width // 24)))
        cv2.circle(drawn, tuple(map(int, centre)), radius, 1.0, -1 if rng.random() < 0.5 else 1, cv2.LINE_AA)
    strength = np.float32(rng.uniform(0.2, 0.7))
    return np.asarray(gray + (1 - gray) * drawn * strength, dtype=np.float32)


def write_marker(gray: Gray, rng: np.random.Generator) -> Gray:
    """A side or projection marker near an edge, whatever the side."""
    height, width = gray.shape
    text, font = MARKERS[rng.integers(len(MARKERS))], FONTS[rng.integers(len(FONTS))]
    size = height / 128 * float(rng.uniform(0.25, 0.55))
    (wide, high), _ = cv2.getTextSize(text, font, size, 1)
    column = int(rng.uniform(0, width * 0.2) if rng.random() < 0.5 else rng.uniform(width * 0.8, width) - wide)
    row = int(rng.uniform(high, height * 0.25) if rng.random() < 0.7 else rng.uniform(height * 0.8, height))
    written = np.zeros(gray.shape, dtype=np.uint8)
    cv2.putText(written, text, (max(column, 0), row), font, size, 255, 1, cv2.LINE_AA)
    return np.maximum(gray, written.astype(np.float32) / 255 * np.float32(rng.uniform(0.8, 1.0)))
