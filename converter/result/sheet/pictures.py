"""Pictures of a one-page report: heat maps as they were sent, and films without one; as JPEG, no larger than needed."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

SIDE_MAX = 960
QUALITY = 88


def heatmap_jpeg(ds: Dataset) -> bytes:
    """The picture of a Secondary Capture of ours. Raises ValueError for one that is not 8-bit RGB."""
    pixels = np.asarray(ds.pixel_array)
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise ValueError(f"the heat map {ds.get('SOPInstanceUID')} is no 8-bit RGB picture")
    return _jpeg(np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), np.uint8))


def film_jpeg(preview: NDArray[np.uint8]) -> bytes:
    """The rendered film, 8-bit gray."""
    return _jpeg(preview)


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    scale = SIDE_MAX / max(pixels.shape[:2])
    if scale < 1:
        size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    is_made, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not is_made:
        raise ValueError(f"OpenCV could not encode a picture of shape {pixels.shape}")
    return data.tobytes()
