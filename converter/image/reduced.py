"""JPEG 2000 decoded at a half, a quarter, ... of its size: the finest wavelet levels are left out (ISO 15444-1 F).

The pixels are those of the codestream's own low-pass filter, not area averages: only for models that were measured with
them (input.jpeg2000_reduced of a model package).
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile

from converter.image.header import BROKEN_INPUT, without_warnings

SYNTAXES = ("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91")


def decode(codestream: bytes, precision: int, halvings: int) -> NDArray[Any] | None:
    """The gray, unsigned frame with its sides halved `halvings` times, or None where that is impossible."""
    try:
        with without_warnings():
            image = Jpeg2KImageFile(io.BytesIO(codestream))
            if image.mode not in ("L", "I;16"):
                return None
            image.reduce = halvings
            pixels: NDArray[Any] = np.asarray(image)
    except MemoryError:
        raise
    except BROKEN_INPUT:  # it has fewer levels, or is broken: decoding in full finds out which
        return None
    return pixels >> (8 * pixels.dtype.itemsize - precision)  # Pillow scales up to 8 or 16 bits
