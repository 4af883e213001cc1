"""An axial slice of a head in a few formulas, as a stand-in for CT and MR: a skull outline, folds, one bright spot."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def sketch_head_slice(side: int = 256, seed: int = 1) -> NDArray[np.float64]:
    """float64 [side, side] from 0 (air) to 1: tissue near 0.5, a spot in the patient's left half near 0.8."""
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    rng = np.random.default_rng(seed)
    head = 1 / (1 + np.exp((np.hypot(x / 0.78, y / 0.92) - 1) / 0.02))
    tissue = head * (0.45 + 0.1 * np.cos(9 * x + seed) * np.cos(7 * y)) + 0.3 * np.exp(-((x - 0.3) ** 2 + y**2) / 0.02)
    return np.asarray(np.clip(tissue + rng.normal(0.05, 0.02, x.shape), 0, 1), np.float64)
