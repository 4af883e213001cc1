"""Models that are a function of the picture, so that a test knows what a measurement has to find."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from converter.analysis.scores import ImageScores
from converter.package.manifest import Manifest
from tests.unit.package.test_manifest import valid_manifest

SIDE = 64
# gray values [SIDE, SIDE] of the whole film, 0..1 -> map [h, w] in logit units
Eye = Callable[[NDArray[np.float32]], NDArray[np.float32]]
GATE = {
    "kinds": [{"name": "frontal-chest"}, {"name": "noise", "code": "gate-noise", "reason": "it looks like noise"}],
    "threshold": 0.5,
    "threshold_rule": "halfway, by choice",
    "sources": [],
    "measured": [],
}


def manifest(gated: bool = False) -> Manifest:
    plain = {"height": SIDE, "width": SIDE, "layout": "NCHW", "normalisation": {"name": "scale", "mean": 0, "std": 1}}
    return Manifest.model_validate(valid_manifest() | {"input": plain} | ({"gate": GATE} if gated else {}))


class Seeing:
    """A Model of one finding. `accepts`: what its gate takes for a film; without it, there is no gate."""

    provider = "eye"

    def __init__(self, eye: Eye, accepts: Callable[[NDArray[np.float32]], bool] | None = None) -> None:
        self.manifest, self._eye, self._accepts = manifest(accepts is not None), eye, accepts
        self.asked = 0

    def score(self, model_input: NDArray[np.float32]) -> ImageScores:
        self.asked += 1
        gray = model_input[0]
        cam = np.asarray(self._eye(gray), dtype=np.float32)
        gate = None
        if self._accepts is not None:
            gate = np.array([0.9, 0.1] if self._accepts(gray) else [0.1, 0.9], dtype=np.float32)
        probability = np.array([1 / (1 + np.exp(-cam.mean(dtype=np.float64)))], dtype=np.float32)
        return ImageScores(probability, cam[np.newaxis], gate)


def brightness(level: float, steep: float = 40.0) -> Eye:
    """Positive where the film is brighter than `level` on average."""
    return lambda gray: np.full((8, 8), steep * (float(gray.mean()) - level), dtype=np.float32)


def blocks(gray: NDArray[np.float32], cells: int = 16) -> NDArray[np.float32]:
    """[cells, cells]: means."""
    side = SIDE // cells
    return np.asarray(gray.reshape(cells, side, cells, side).mean(axis=(1, 3)), dtype=np.float32)
