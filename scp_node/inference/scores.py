"""What a model says about images, checked before anyone sees it: probabilities and class activation maps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from converter.analysis.scores import ImageScores
from converter.package.manifest import Manifest
from scp_node.errors import InvalidScore

# A sigmoid in float32 may end a rounding error above 1.
ROUNDING = 1e-5


@dataclass(frozen=True)
class Scores:
    """probability [N, findings] in 0..1; cam [N, findings, h, w] in logit units, whatever the layout of the graph;
    gate [N, kinds], shares that add up to 1, where the model has an input gate; lungs [N, h, w], shares of lung in each
    cell of the film, 0..1, where the model outlines them."""

    probability: NDArray[np.float32]
    cam: NDArray[np.float32]
    gate: NDArray[np.float32] | None = None
    lungs: NDArray[np.float32] | None = None

    def image(self, position: int) -> ImageScores:
        """The scores of one image of the batch."""
        gate = None if self.gate is None else self.gate[position]
        lungs = None if self.lungs is None else self.lungs[position]
        return ImageScores(self.probability[position], self.cam[position], gate, lungs)


class Scorer(Protocol):
    """What a batcher and the replay of a package need of a session."""

    @property
    def manifest(self) -> Manifest: ...

    @property
    def provider(self) -> str: ...

    def run(self, batch: NDArray[np.float32]) -> Scores: ...


def checked_scores(
    manifest: Manifest,
    images: int,
    probability: object,
    cam: object,
    gate: object | None = None,
    lungs: object | None = None,
) -> Scores:
    """The outputs as arrays, `cam` as [N, findings, h, w], `lungs`, which comes as [N, 1, h, w], as [N, h, w]. Raises
    InvalidScore: no probability is ever invented."""
    probabilities, maps = np.asarray(probability), np.asarray(cam)
    if probabilities.shape != (images, len(manifest.findings)) or maps.ndim != 4 or len(maps) != images:
        raise InvalidScore(f"{_label(manifest)} answered with shapes {probabilities.shape} and {maps.shape}")
    if not np.isfinite(probabilities).all() or not np.isfinite(maps).all():
        raise InvalidScore(f"{_label(manifest)} answered with NaN or infinity")
    if probabilities.min() < -ROUNDING or probabilities.max() > 1 + ROUNDING:
        raise InvalidScore(f"{_label(manifest)} answered with a probability outside 0 to 1")
    return Scores(
        np.clip(probabilities, 0, 1).astype(np.float32),
        maps.astype(np.float32, copy=False),
        None if manifest.gate is None else _checked_gate(manifest, len(manifest.gate.kinds), images, gate),
        None if manifest.lungs is None else _checked_lungs(manifest, images, lungs),
    )


def _checked_gate(manifest: Manifest, kinds: int, images: int, gate: object) -> NDArray[np.float32]:
    shares = np.asarray(gate, np.float32)
    if shares.shape != (images, kinds):
        raise InvalidScore(f"{_label(manifest)} answered with a gate of shape {shares.shape}")
    if not np.isfinite(shares).all() or np.abs(shares.sum(axis=1) - 1).max() > ROUNDING or shares.min() < -ROUNDING:
        raise InvalidScore(f"{_label(manifest)} answered with a gate whose shares do not add up to 1")
    return shares


def _checked_lungs(manifest: Manifest, images: int, lungs: object) -> NDArray[np.float32]:
    shares = np.asarray(lungs, np.float32)
    if shares.ndim != 4 or shares.shape[:2] != (images, 1):
        raise InvalidScore(f"{_label(manifest)} answered with lungs of shape {shares.shape}")
    if not np.isfinite(shares).all() or shares.min() < -ROUNDING or shares.max() > 1 + ROUNDING:
        raise InvalidScore(f"{_label(manifest)} answered with lungs that are no shares of 0 to 1")
    return np.clip(shares[:, 0], 0, 1)


def _label(manifest: Manifest) -> str:
    return f"{manifest.name}@{manifest.version}"
