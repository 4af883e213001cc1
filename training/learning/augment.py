"""What happens to a training image on its way into a batch: exposure, position, artefacts, sharpness, a lost patch.

Only what a radiologist could meet: a few degrees of rotation, never upside down. A mirrored film is a heart on the
other side; a recipe allows it where the finding has no side.

Strong on purpose. A plain network reaches the same validation AUC on the cohorts at hand and then fails on films
from elsewhere: it has learned one hospital's exposure, framing and sharpness.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from converter.image.model_input import normalise
from converter.package.network import InputSpec
from training.learning.artefacts import add_artefacts
from training.learning.recipe import Augmentation

LEVELS = np.arange(256, dtype=np.float32) / np.float32(255)


def augment(
    image: NDArray[np.uint8], recipe: Augmentation, spec: InputSpec, rng: np.random.Generator
) -> NDArray[np.float32]:
    """One training image [side, side] -> normalised network input [H, W]."""
    toned = cv2.LUT(image, _tone_curve(recipe, rng))
    placement = placement_of(image.shape[0], recipe, spec, rng)
    gray = np.asarray(cv2.warpAffine(toned, placement, (spec.width, spec.height)), dtype=np.float32)
    gray = add_artefacts(gray, recipe, rng)
    if rng.random() < recipe.blur:
        gray = _lose_sharpness(gray, rng)
    noise = rng.standard_normal(gray.shape, dtype=np.float32) * np.float32(rng.uniform(0, recipe.noise))
    normalised = normalise(np.clip(gray + noise, 0, 1), spec)
    if rng.random() < recipe.cutout:
        rows, columns = rng.integers(spec.height // 16, spec.height * 9 // 32, 2)
        top, left = rng.integers(0, spec.height - rows), rng.integers(0, spec.width - columns)
        normalised[top : top + rows, left : left + columns] = 0
    return normalised


def _tone_curve(recipe: Augmentation, rng: np.random.Generator) -> NDArray[np.float32]:
    """Exposure (gamma) and, for some, a sigmoid window as another console would apply it."""
    curve = LEVELS ** np.float32(math.exp(rng.uniform(-recipe.gamma, recipe.gamma)))
    if rng.random() < recipe.contrast:
        centre, width = rng.uniform(0.35, 0.65), rng.uniform(0.4, 1.2)
        curve = 1 / (1 + np.exp(-4 * (curve - centre) / width))
    return np.asarray(curve, dtype=np.float32)


def placement_of(side: int, recipe: Augmentation, spec: InputSpec, rng: np.random.Generator) -> NDArray[np.float64]:
    """The affine map from the stored image to the network's grid: zoom, aspect, rotation, flip, shift."""
    angle = math.radians(rng.uniform(-recipe.rotation_degrees, recipe.rotation_degrees))
    zoom = math.exp(rng.uniform(*np.log(recipe.zoom)))
    stretch = math.sqrt(math.exp(rng.uniform(-1, 1) * math.log(recipe.aspect)))
    mirror = -1.0 if rng.random() < recipe.flip else 1.0
    scale = np.diag([mirror * zoom * stretch * spec.width / side, zoom / stretch * spec.height / side])
    rotation = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    linear = rotation @ scale
    shift = rng.uniform(-recipe.shift, recipe.shift, 2) * (spec.width, spec.height)
    centre_out = np.array([spec.width - 1, spec.height - 1]) / 2 + shift
    offset = centre_out - linear @ np.full(2, (side - 1) / 2)
    return np.column_stack([linear, offset])


def _lose_sharpness(gray: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Smoothed, or reduced and enlarged again, as a film from a small or compressed source."""
    height, width = gray.shape
    if rng.random() < 0.5:
        return np.asarray(cv2.GaussianBlur(gray, (0, 0), float(rng.uniform(0.5, 1.3))), dtype=np.float32)
    share = rng.uniform(0.45, 0.9)
    small = cv2.resize(gray, (int(width * share), int(height * share)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)
