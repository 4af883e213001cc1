"""A training film as a network with a frame sees it: cut out round the lungs, moved, changed, with what is known of
places.

The frame of a training film is that of serving, jittered: what is learned holds for outlines that are a little off.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from converter.image.model_input import normalise
from training.data.frame import BEYOND_EDGE, LUNG, Frame, frame_of
from training.learning.artefacts import add_artefacts
from training.learning.lung_changes import UNKNOWN, places_of, with_opacity, with_other_background, without_lungs
from training.learning.recipe import Augmentation, FrameRecipe
from training.learning.tones import change_tone

Gray = NDArray[np.float32]
# Of films whose outline is not believed, so that the fallback of serving is no surprise.
WHOLE_FILM = 0.04


@dataclass(frozen=True)
class OutlinedFilm:
    """image: uint8 [side, side]; lungs: [64, 64], shares of lung."""

    image: NDArray[np.uint8]
    lungs: NDArray[np.float32]


@dataclass(frozen=True)
class FramedFilm:
    """image: [h, w], standardised; cells: [h, w] of the map, 1 in the mean; places: likewise 1, 0 or UNKNOWN.

    `opacity`: whether one was drawn; `removed`: whether there are no lungs.
    """

    image: Gray
    cells: Gray
    places: Gray
    opacity: bool
    removed: bool


def framed_film(
    film: OutlinedFilm,
    other: OutlinedFilm,
    negative: bool,
    frame: FrameRecipe,
    moves: Augmentation,
    cells: tuple[int, int],
    rng: np.random.Generator,
) -> FramedFilm:
    """`other` lends its background to some; an opacity is drawn into `negative` films only."""
    gray, lungs, found = _cut_out(film, frame, moves, rng)
    removed = found and rng.random() < frame.lungs_removed
    if found and rng.random() < frame.other_background:
        body, _, _ = _cut_out(other, frame, moves, rng)
        gray = with_other_background(gray, lungs, body, rng)
    opacity, filled = negative and found and not removed and rng.random() < frame.opacity, None
    if opacity:
        gray, filled = with_opacity(gray, lungs, rng)
    if removed:
        gray = without_lungs(gray, lungs, rng)
    if rng.random() < moves.consoles:
        gray = change_tone(gray, rng)
    gray = add_artefacts(gray, moves, rng)
    noise = rng.standard_normal(gray.shape, dtype=np.float32) * np.float32(rng.uniform(0, moves.noise))
    return FramedFilm(
        normalise(np.clip(gray + noise, 0, 1), frame.spec),
        cells_near(lungs, cells) if found else np.ones(cells, np.float32),
        _places(filled, negative and not removed, cells),
        bool(opacity),
        bool(removed),
    )


def cells_near(lungs: Gray, cells: tuple[int, int]) -> Gray:
    """As training/data/frame.py has it, from lungs that are cut out already."""
    pixels = max(1, round(BEYOND_EDGE * lungs.shape[1] / 42))  # of 64 cells a frame has about 42
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (2 * pixels + 1, 2 * pixels + 1))
    near = cv2.dilate((lungs > LUNG).astype(np.float32), kernel)
    counted = np.asarray(cv2.resize(near, cells[::-1], interpolation=cv2.INTER_AREA), dtype=np.float32)
    mean = counted.mean()
    return counted / mean if mean > 0.02 else np.ones(cells, np.float32)


def _places(filled: Gray | None, negative: bool, cells: tuple[int, int]) -> Gray:
    if filled is not None:
        return places_of(filled, *cells)
    return np.zeros(cells, np.float32) if negative else np.full(cells, UNKNOWN, np.float32)


def _cut_out(
    film: OutlinedFilm, frame: FrameRecipe, moves: Augmentation, rng: np.random.Generator
) -> tuple[Gray, Gray, bool]:
    """Gray values and lungs [h, w] of the frame, moved; whether lungs were found."""
    place = frame_of(film.lungs) if rng.random() >= WHOLE_FILM else Frame()
    linear, offset = _from_frame(place, film.image.shape[0], frame, moves, rng)
    size, flags = (frame.width, frame.height), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    edge = (cv2.BORDER_REPLICATE, cv2.BORDER_CONSTANT)[int(rng.random() < 0.5)]
    value = float(rng.choice([0, 0, 255, int(rng.integers(256))]))
    affine = np.column_stack([linear, offset])
    cut = cv2.warpAffine(film.image, affine, size, flags=flags, borderMode=edge, borderValue=value)
    shrunk = film.lungs.shape[0] / film.image.shape[0]
    outline = np.column_stack([linear * shrunk, (offset + 0.5) * shrunk - 0.5])
    lungs = cv2.warpAffine(film.lungs, outline, size, flags=flags, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(cut / 255, np.float32), np.asarray(lungs > LUNG, np.float32), place.found


def _from_frame(
    place: Frame, side: int, frame: FrameRecipe, moves: Augmentation, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The affine map from pixels of the frame to those of the film: zoom, aspect, rotation, flip, shift."""
    angle = math.radians(rng.uniform(-moves.rotation_degrees, moves.rotation_degrees))
    zoom = math.exp(-rng.uniform(*np.log(moves.zoom)))
    stretch = math.sqrt(math.exp(rng.uniform(-1, 1) * math.log(moves.aspect)))
    mirror = -1.0 if rng.random() < moves.flip else 1.0
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    wide, high = (place.right - place.left) * side, (place.bottom - place.top) * side
    scale = np.diag([mirror * zoom * stretch * wide / frame.width, zoom / stretch * high / frame.height])
    linear = turn @ scale
    middle = np.array([(place.left + place.right) / 2, (place.top + place.bottom) / 2]) * side - 0.5
    middle += rng.uniform(-moves.shift, moves.shift, 2) * (wide, high)
    offset = middle - linear @ np.array([(frame.width - 1) / 2, (frame.height - 1) / 2])
    return linear, offset
