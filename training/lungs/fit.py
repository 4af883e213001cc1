"""Fits the network that outlines lungs, by films of children, changed so that those of others are like them."""

from __future__ import annotations

import math

import cv2
import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from converter.image.model_input import normalise
from training.data.lung_masks import OutlinedFilms
from training.learning.averaged_fit import fit_averaged
from training.learning.tones import change_tone
from training.lungs.network import lung_network
from training.lungs.network_input import LUNG_INPUT, MASK_SIDE, SIDE

BATCH = 32
ROTATION_DEGREES = 18.0


class OutlineBatches:
    """Batch n is the same for the same seed."""

    def __init__(self, films: OutlinedFilms, seed: int) -> None:
        self._films, self._seed = films, seed

    def batch(self, number: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """images [n, 128, 128, 1]; lungs [n, 64, 64, 1], shares 0..1."""
        rng = np.random.default_rng([self._seed, number])
        inputs, targets = [], []
        for place in rng.integers(len(self._films.films), size=BATCH):
            image, mask = changed(self._films.films[place], self._films.masks[place], rng)
            inputs.append(normalise(image, LUNG_INPUT))
            targets.append(cv2.resize(mask, (MASK_SIDE, MASK_SIDE), interpolation=cv2.INTER_AREA))
        lungs = np.asarray(np.stack(targets), dtype=np.float32)
        return np.stack(inputs)[..., np.newaxis], lungs[..., np.newaxis]


def changed(
    film: NDArray[np.uint8], mask: NDArray[np.uint8], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A film and its outline as another device, another framing and another body would show them, both 0..1.

    Some are cut so far that lungs leave the film: an outline has to end there.
    """
    placement = _placement(film.shape[0], rng)
    border = cv2.BORDER_REPLICATE if rng.random() < 0.5 else cv2.BORDER_CONSTANT
    value = float(rng.choice([0, 0, 255, int(rng.integers(256))]))
    moved = cv2.warpAffine(film, placement, (SIDE, SIDE), borderMode=border, borderValue=value)
    lungs = cv2.warpAffine(mask, placement, (SIDE, SIDE))
    gray = change_tone(np.asarray(moved / 255, dtype=np.float32), rng)
    return gray, np.asarray(lungs / 255, dtype=np.float32)


def _placement(side: int, rng: np.random.Generator) -> NDArray[np.float64]:
    angle = math.radians(rng.uniform(-1, 1) * ROTATION_DEGREES)
    zoom = SIDE / side * math.exp(rng.uniform(math.log(0.6), math.log(1.5)))
    stretch = math.exp(rng.uniform(-0.25, 0.25))
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    linear = turn @ np.diag([mirror * zoom * stretch, zoom / stretch])
    shift = rng.uniform(-0.12, 0.12, 2) * SIDE
    offset = np.full(2, (SIDE - 1) / 2) + shift - linear @ np.full(2, (side - 1) / 2)
    return np.column_stack([linear, offset])


def lung_loss(wanted: keras.KerasTensor, said: keras.KerasTensor) -> keras.KerasTensor:
    """Cross-entropy of each cell, and one less the Dice coefficient of each film."""
    said = ops.clip(said, 1e-6, 1 - 1e-6)
    entropy = -ops.mean(wanted * ops.log(said) + (1 - wanted) * ops.log(1 - said), axis=(1, 2, 3))
    both = ops.sum(wanted * said, axis=(1, 2, 3))
    dice = (2 * both + 1) / (ops.sum(wanted + said, axis=(1, 2, 3)) + 1)
    return entropy + 1 - dice


def fit(films: OutlinedFilms, steps: int, seed: int, learning_rate: float = 0.003) -> keras.Model:
    """The averaged network after `steps` batches."""
    return fit_averaged(lung_network, lung_loss, OutlineBatches(films, seed), steps, seed, learning_rate, 0.01)
