"""What the tests of a judgement share: a bench whose model is a function of the picture."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from converter.analysis.scores import ImageScores
from tests.support.cohorts.drawn_collections import drawn_lungs
from tests.support.models.eyes import SIDE, Eye, blocks, manifest
from training.judging.bench import Bench
from training.packaging.graph_model import Package

FILMS = 28
CELLS = 16
# Cells that are lung to the last pixel, with lung round them.
INSIDE = cv2.erode(blocks(drawn_lungs(SIDE, SIDE).astype(np.float32), CELLS), np.ones((3, 3), np.uint8)) > 0.8


class SeeingPackage(Package):
    def __init__(self, eye: Eye) -> None:
        super().__init__(manifest(), b"")
        self._eye = eye

    def score(self, model_input: NDArray[np.float32]) -> ImageScores:
        cam = np.asarray(self._eye(model_input[0]), dtype=np.float32)
        return ImageScores(np.array([1 / (1 + np.exp(-cam.mean(dtype=np.float64)))], np.float32), cam[np.newaxis])


def bench(eye: Eye, data: Path, films: int = FILMS) -> Bench:
    return Bench(SeeingPackage(eye), 0, data, films, lambda _: None)


def looks_at_lungs(gray: NDArray[np.float32]) -> NDArray[np.float32]:
    """Positive where a cell of the lungs is brighter than those of a healthy film; elsewhere a little negative."""
    brighter = blocks(gray, CELLS) - 0.57
    return np.asarray(np.where(INSIDE, np.where(brighter > 0, 60, 1) * brighter, -0.05), dtype=np.float32)


def looks_at_the_corner(gray: NDArray[np.float32]) -> NDArray[np.float32]:
    """Positive where the upper left corner is bright."""
    cam = np.full((CELLS, CELLS), -1.0, dtype=np.float32)
    cam[:2, :2] = 2000 * (float(gray[:8, :8].mean()) - 0.6)
    return cam
