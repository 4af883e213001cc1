"""The pictures that a model package is proven with: its reference.npz holds them and the outputs expected of them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def reference_pictures(height: int, width: int, seed: int = 7) -> tuple[NDArray[np.float32], ...]:
    """Four pictures, float32 [height, width] from 0 (black) to 1 (white): noise, a ramp, two dark lungs on a bright
    body, the same with one lung clouded."""
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.random((height, width), dtype=np.float32), (0, 0), 3)
    ramp = np.linspace(0, 1, height * width, dtype=np.float32).reshape(height, width)
    lungs = _two_lungs(height, width)
    clouded = lungs.copy()
    cv2.ellipse(clouded, (width * 2 // 3, height * 2 // 3), (width // 9, height // 9), 0, 0, 360, 0.75, -1)
    soft = (cv2.GaussianBlur(picture, (0, 0), 2) for picture in (lungs, clouded))
    return tuple(np.asarray(picture, np.float32) for picture in (noise, ramp, *soft))


def _two_lungs(height: int, width: int) -> NDArray[np.float32]:
    picture = np.full((height, width), 0.15, dtype=np.float32)
    cv2.ellipse(picture, (width // 2, height * 11 // 20), (width * 9 // 20, height // 2), 0, 0, 360, 0.8, -1)
    for centre in (width // 3, width * 2 // 3):
        cv2.ellipse(picture, (centre, height // 2), (width // 8, height * 3 // 10), 0, 0, 360, 0.3, -1)
    return picture
