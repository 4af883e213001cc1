"""What a model says of one image, before anybody judges it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ImageScores:
    """probability: [findings], calibrated, 0..1; cam: [findings, h, w] in logit units; gate: [kinds], shares that add
    up to 1, where the model has an input gate; lungs: [h, w], the share of lung in each cell of the whole film, 0..1,
    where the model outlines them."""

    probability: NDArray[np.float32]
    cam: NDArray[np.float32]
    gate: NDArray[np.float32] | None = None
    lungs: NDArray[np.float32] | None = None
