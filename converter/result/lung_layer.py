"""The outline of the lungs as a layer that a page lays over a film."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from converter.package.lungs import inside

# Of the longer side of the film; a line of one pixel is lost on a large film, and a thick one hides what it is about.
LINE_SHARE = 1 / 500
_LINE, _EDGE = (120, 205, 200), (0, 0, 0)


def lung_layer(shape: tuple[int, int], outline: NDArray[np.float32]) -> NDArray[np.uint8]:
    """RGBA picture of `shape` [rows, columns], clear but for a line round what is lung in `outline` [h, w], shares of
    lung over the same field of view."""
    rows, columns = shape
    lung = inside(np.asarray(cv2.resize(outline, (columns, rows), interpolation=cv2.INTER_LINEAR), np.float32))
    lines, _ = cv2.findContours(lung.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    width = max(1, round(LINE_SHARE * max(shape)))
    layer = np.zeros((rows, columns, 4), dtype=np.uint8)
    cv2.drawContours(layer, lines, -1, (*_EDGE, 160), 3 * width)
    cv2.drawContours(layer, lines, -1, (*_LINE, 255), width)
    return layer
