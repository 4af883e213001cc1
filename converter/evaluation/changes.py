"""What is done to a film to see whether an answer holds: a fixed table of changes, each in several strengths.

None of them changes what a reader would say of the lungs: how a film is turned, cut, framed, processed, sent and stored
says nothing of the patient. CHANGES is the table; the order of the strengths is from the weakest to the strongest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.float32]
# [H, W] of 0..1, the strength, and where to draw -> [H', W'] of 0..1
Make = Callable[[Gray, float, np.random.Generator], Gray]
# A film is changed at no more than this: more would only cost time.
SIDE_MAX = 512
CLAHE_TILES = 8
# Bands of multi-frequency processing, in shares of the width (one sigma).
BANDS = (0.01, 0.03, 0.1)
# How bright a wire and a letter are: as metal and lead on a film.
METAL = 0.95
MARKERS = ("L", "R", "AP", "PA")


@dataclass(frozen=True)
class Change:
    """name, unit: for tables and plots. strengths: from weak to strong. make: draws the changed film."""

    name: str
    unit: str
    strengths: tuple[float, ...]
    make: Make


def changed(gray: Gray, change: Change, strength: float, seed: int) -> Gray:
    """`gray` [H, W], 0..1, after `change`: float32 [H', W'], 0..1. The same seed draws the same."""
    made = change.make(gray, strength, np.random.default_rng(seed))
    return np.asarray(np.clip(made, 0, 1), dtype=np.float32)


def rotated(gray: Gray, degrees: float, rng: np.random.Generator) -> Gray:
    """About the centre, left or right, black where nothing was."""
    height, width = gray.shape
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees if rng.random() < 0.5 else -degrees, 1)
    return np.asarray(cv2.warpAffine(gray, turn, (width, height), flags=cv2.INTER_LINEAR), dtype=np.float32)


def cropped(gray: Gray, share: float, rng: np.random.Generator) -> Gray:
    """`share` of the height and of the width cut away, half of it at each side."""
    (top, bottom), (left, right) = (_cut(side, share / 2) for side in gray.shape)
    return gray[top:bottom, left:right].copy()


def collimated(gray: Gray, share: float, rng: np.random.Generator) -> Gray:
    """Shutters: a black band over `share` of the film at each of its four sides."""
    made = np.zeros_like(gray)
    (top, bottom), (left, right) = (_cut(side, share) for side in gray.shape)
    made[top:bottom, left:right] = gray[top:bottom, left:right]
    return made


def bordered(level: float) -> Make:
    """The whole film inside a frame of one gray level, `share` of its sides wide at each of them."""

    def make(gray: Gray, share: float, rng: np.random.Generator) -> Gray:
        rows, columns = (round(side * share) for side in gray.shape)
        return np.pad(gray, ((rows, rows), (columns, columns)), constant_values=np.float32(level))

    return make


def exposed(gray: Gray, gamma: float, rng: np.random.Generator) -> Gray:
    return np.asarray(gray ** np.float32(gamma), dtype=np.float32)


def adapted(gray: Gray, clip: float, rng: np.random.Generator) -> Gray:
    """Contrast-limited adaptive histogram equalisation (Zuiderveld 1994)."""
    return _from_bytes(cv2.createCLAHE(clip, (CLAHE_TILES, CLAHE_TILES)).apply(_bytes(gray)))


def equalised(gray: Gray, share: float, rng: np.random.Generator) -> Gray:
    """Mixed by `share` with the film whose histogram is flat."""
    return np.float32(1 - share) * gray + np.float32(share) * _from_bytes(cv2.equalizeHist(_bytes(gray)))


def banded(gray: Gray, gain: float, rng: np.random.Generator) -> Gray:
    """Every band of detail times `gain`, what is coarser divided by its root, as multi-frequency processing does."""
    made, rest = np.zeros_like(gray), gray
    for share in BANDS:
        smooth = np.asarray(cv2.GaussianBlur(rest, (0, 0), share * gray.shape[1]), dtype=np.float32)
        made += (rest - smooth) * np.float32(gain)
        rest = smooth
    middle = np.float32(rest.mean())
    return made + middle + (rest - middle) / np.float32(gain**0.5)


def noisy(gray: Gray, sigma: float, rng: np.random.Generator) -> Gray:
    return gray + rng.standard_normal(gray.shape, dtype=np.float32) * np.float32(sigma)


def blurred(gray: Gray, share: float, rng: np.random.Generator) -> Gray:
    """One sigma is `share` of the width."""
    return np.asarray(cv2.GaussianBlur(gray, (0, 0), share * gray.shape[1]), dtype=np.float32)


def wired(gray: Gray, wires: float, rng: np.random.Generator) -> Gray:
    """Leads of an ECG: curves across the chest, each with the disc of its electrode."""
    height, width = gray.shape
    drawn, thick = np.zeros_like(gray), max(1, round(width / 120))
    size = np.array([width, height])
    for _ in range(int(wires)):
        start, bend, end = (rng.uniform(low, high, 2) * size for low, high in ((0, 1), (0.2, 0.8), (0.25, 0.75)))
        place = np.linspace(0, 1, 24)[:, np.newaxis]
        curve = (1 - place) ** 2 * start + 2 * place * (1 - place) * bend + place**2 * end
        cv2.polylines(drawn, [np.rint(curve).astype(np.int32)], False, 1.0, thick, cv2.LINE_AA)
        x, y = np.rint(end).astype(int).tolist()
        cv2.circle(drawn, (x, y), 3 * thick, 1.0, -1, cv2.LINE_AA)
    return np.asarray(np.maximum(gray, np.float32(METAL) * drawn), dtype=np.float32)


def marked(gray: Gray, markers: float, rng: np.random.Generator) -> Gray:
    """Letters of lead in the corners, 8 % of the height, each in one of its own."""
    height, width = gray.shape
    drawn = np.zeros(gray.shape, dtype=np.uint8)  # OpenCV writes on bytes only
    for corner in rng.permutation(4)[: int(markers)].tolist():
        column = int(width * (0.03 if corner % 2 == 0 else 0.85))
        row = int(height * (0.12 if corner < 2 else 0.96))
        text = MARKERS[int(rng.integers(len(MARKERS)))]
        scale, thick = 0.08 * height / 21, max(1, round(height / 200))  # the letters of this font are 21 pixels high
        cv2.putText(drawn, text, (column, row), cv2.FONT_HERSHEY_SIMPLEX, scale, 255, thick, cv2.LINE_AA)
    return np.asarray(np.maximum(gray, np.float32(METAL) * _from_bytes(drawn)), dtype=np.float32)


def compressed(gray: Gray, quality: float, rng: np.random.Generator) -> Gray:
    """Through JPEG."""
    _, coded = cv2.imencode(".jpg", _bytes(gray), [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    return _from_bytes(np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE)))


def coarser(gray: Gray, bits: float, rng: np.random.Generator) -> Gray:
    """In 2 to the power of `bits` levels of gray."""
    levels = np.float32(2 ** int(bits) - 1)
    return np.asarray(np.round(gray * levels) / levels, dtype=np.float32)


def resized(gray: Gray, shorter: float, rng: np.random.Generator) -> Gray:
    """Made smaller, the shorter side to so many pixels; a film that is no larger stays as it is."""
    factor = shorter / min(gray.shape)
    if factor >= 1:
        return gray
    size = tuple(max(int(shorter), round(side * factor)) for side in gray.shape[::-1])
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), dtype=np.float32)


def widened(gray: Gray, factor: float, rng: np.random.Generator) -> Gray:
    """The width times `factor`, the height as it is: another aspect."""
    size = (max(1, round(gray.shape[1] * factor)), gray.shape[0])
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), dtype=np.float32)


CHANGES = (
    Change("rotation", "degrees", (5, 10, 15, 30), rotated),
    Change("crop", "of each side length", (0.05, 0.1, 0.2, 0.3), cropped),
    Change("collimation", "of the film at each side", (0.05, 0.1, 0.15), collimated),
    Change("black border", "of the film at each side", (0.05, 0.1, 0.2), bordered(0.0)),
    Change("gray border", "of the film at each side", (0.05, 0.1, 0.2), bordered(0.5)),
    Change("white border", "of the film at each side", (0.05, 0.1, 0.2), bordered(1.0)),
    Change("gamma below 1", "gamma", (0.8, 0.65, 0.5), exposed),
    Change("gamma above 1", "gamma", (1.25, 1.5, 2), exposed),
    Change("CLAHE", "clip limit", (1.5, 3, 6), adapted),
    Change("equalisation", "of the flat histogram", (0.5, 1), equalised),
    Change("multi-band", "detail times", (1.5, 2, 3), banded),
    Change("noise", "of the gray scale (one sigma)", (0.02, 0.05, 0.1), noisy),
    Change("blur", "of the width (one sigma)", (0.003, 0.006, 0.012), blurred),
    Change("wires", "leads", (1, 3, 6), wired),
    Change("markers", "letters", (1, 2, 4), marked),
    Change("JPEG", "quality", (75, 40, 15), compressed),
    Change("fewer bits", "bits", (6, 5, 4), coarser),
    Change("resize", "pixels of the shorter side", (192, 160, 128), resized),
    Change("aspect", "times the width", (0.9, 0.8, 0.7), widened),
)


def _cut(side: int, share: float) -> tuple[int, int]:
    """First and last + 1 of what is left of `side` pixels when `share` is taken at both ends; never nothing."""
    depth = min(round(side * share), (side - 1) // 2)
    return depth, side - depth


def _bytes(gray: Gray) -> NDArray[np.uint8]:
    return np.round(np.clip(gray, 0, 1) * 255).astype(np.uint8)


def _from_bytes(gray: NDArray[np.generic]) -> Gray:
    return np.asarray(gray, dtype=np.float32) / np.float32(255)
