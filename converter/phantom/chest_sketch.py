"""A frontal chest in a few formulas: of any size, in milliseconds, unlike the computed exposure of `chest`."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def sketch_chest(rows: int = 512, columns: int = 420, seed: int = 1, noise: float = 0.01) -> NDArray[np.float64]:
    """An upright chest as displayed, float64 [rows, columns] from 0 (black) to 1 (white).

    The lungs are dark, the heart and the letter L on the image's right. `seed` moves lungs, heart and ribs by up to
    3 % of half a side; `noise` is the standard deviation of the gray levels.
    """
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    wobble = rng.uniform(-0.03, 0.03, 8)
    body = 1 / (1 + np.exp((np.abs(x) - 0.93 + 0.25 * np.clip(-0.6 - y, 0, 1)) / 0.02))
    image = 0.08 + body * (0.62 - 0.12 * x**2)
    for side in (-1, 1):
        centre, width = side * (0.43 + wobble[0]), 0.30 + wobble[1]
        lung = np.exp(-((np.abs((x - centre) / width) ** 3 + np.abs((y + 0.1 + wobble[2]) / 0.62) ** 4) ** 2))
        image -= 0.42 * lung * body
    image += 0.16 * np.exp(-((x / 0.07) ** 4)) * body  # spine
    image += 0.30 * np.exp(-(((x - 0.16 - wobble[3]) / 0.24) ** 4 + ((y - 0.22) / 0.27) ** 4))  # heart
    for k in range(9):
        rib = y - (-0.78 + 0.16 * k + wobble[4]) - 0.16 * np.abs(x) ** 1.5
        image += 0.05 * np.exp(-((rib / 0.022) ** 2)) * (np.abs(x) < 0.8) * body
    for side in (-1, 1):
        clavicle = y + 0.72 - side * 0.12 * x + wobble[5]
        image += 0.09 * np.exp(-((clavicle / 0.02) ** 2)) * (side * x > 0.05) * (side * x < 0.75) * body
    marker = np.zeros((rows, columns), np.uint8)
    corner = (round(columns * 0.86), round(rows * 0.10))
    cv2.putText(marker, "L", corner, cv2.FONT_HERSHEY_SIMPLEX, rows / 420, 255, max(1, rows // 170))
    image = np.maximum(image, marker / 255)
    return np.asarray(np.clip(image + rng.normal(0, noise, image.shape), 0, 1), np.float64)
