"""Colour pictures: their brightness, and whether they are coloured at all (most are gray films stored as RGB)."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

FROM_COLOUR = "stored as a colour image: its brightness was analysed"
COLOURED = "the picture is coloured"

CHANNEL_DISTANCE_MIN = 48 * 257
COLOURED_PART_MIN = 0.05


def to_full_scale(samples: NDArray[np.unsignedinteger[Any]], bits: int) -> NDArray[np.uint16]:
    """Samples of `bits` bits (higher bits are ignored) on the scale 0..65535."""
    if bits == 16:
        return np.asarray(samples, dtype=np.uint16)
    levels = np.rint(np.arange(1 << bits) * (65535 / ((1 << bits) - 1))).astype(np.uint16)
    return np.take(levels, samples & ((1 << bits) - 1))


def brightness(samples: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Y of ITU-R BT.601, the luminance of YBR_FULL (PS3.3 C.7.6.3.1.2), of RGB samples 0..65535."""
    return np.asarray(cv2.cvtColor(samples, cv2.COLOR_RGB2GRAY), dtype=np.uint16)


def colour_notes(samples: NDArray[np.uint16]) -> tuple[str, ...]:
    """`samples`: RGB. One twentieth of clearly coloured pixels makes a coloured picture."""
    distance = samples.max(axis=-1) - samples.min(axis=-1)
    coloured = np.mean(distance > CHANNEL_DISTANCE_MIN) > COLOURED_PART_MIN
    return (FROM_COLOUR, COLOURED) if coloured else (FROM_COLOUR,)


def ybr_to_rgb(samples: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Invert YBR_FULL (PS3.3 C.7.6.3.1.2)."""
    swapped = np.ascontiguousarray(samples[..., [0, 2, 1]])
    return np.asarray(cv2.cvtColor(swapped, cv2.COLOR_YCrCb2RGB), dtype=np.uint16)
