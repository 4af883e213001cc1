"""Text in a picture, by its height in pixels, whichever fonts the installed OpenCV draws."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from converter.result.wording import plain

Colour = tuple[int, int, int]
Align = Literal["left", "centre", "right"]

_CAPITAL = 22.0  # height of a capital letter at scale 1: the size that the Hershey fonts were drawn in


def write(
    picture: NDArray[np.uint8],
    text: str,
    x: float,
    baseline: float,
    height: float,
    colour: Colour,
    *,
    bold: bool = False,
    align: Align = "left",
    width_max: float | None = None,
) -> float:
    """Draw one line with capitals `height` pixels tall, smaller if it is wider than `width_max`; return its width."""
    text = plain(text)
    width = text_width(text, height, bold=bold)
    if width_max is not None and width > width_max:
        height *= width_max / width
        width = text_width(text, height, bold=bold)
    left = x - {"left": 0.0, "centre": width / 2, "right": width}[align]
    font, scale, thickness = _style(height, bold)
    cv2.putText(picture, text, (round(left), round(baseline)), font, scale, colour, thickness, cv2.LINE_AA)
    return width


def text_width(text: str, height: float, *, bold: bool = False) -> float:
    font, scale, thickness = _style(height, bold)
    return float(cv2.getTextSize(plain(text), font, scale, thickness)[0][0])


def _style(height: float, bold: bool) -> tuple[int, float, int]:
    scale = height / _CAPITAL
    return cv2.FONT_HERSHEY_DUPLEX if bold else cv2.FONT_HERSHEY_SIMPLEX, scale, max(1, round(scale * 1.3))
