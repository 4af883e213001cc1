"""Whether a JPEG decoder has painted what was missing: libjpeg and its kin run out of data without a complaint.

A scan that ends too early leaves a trace, because missing coefficients or differences count as zero: the last block is
flat, or the last pixels follow a predictor exactly. Where that is so, the scan is decoded once more with other bytes
behind its data. A decoder that has got everything does not look at them; one that has not makes other pixels of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.image.codestream import LOSSLESS_SOF, read_jpeg
from converter.image.codestream_end import END

BLOCK, COLOUR_BLOCK = 8, 16  # sides of an MCU, the latter with the subsampling of 4:2:0
LAST_PIXELS = 16
# Any bytes without 0xFF, which begins a marker.
BAIT = bytes((37 * number + 91) % 251 for number in range(128))

Decode = Callable[[bytes], NDArray[Any]]


def is_filled_up(codestream: bytes, pixels: NDArray[Any], decode: Decode, certainly_ask: bool) -> bool:
    """Whether `pixels`, which `decode` made of the JPEG `codestream`, are partly invented.

    `certainly_ask`: decode twice without looking for the trace, as for a codestream that lacks its end.
    Less than a block, or LAST_PIXELS pixels, may be missing unseen.
    """
    parts = read_jpeg(codestream)
    if parts is None or parts.scan is None:
        return False
    trace = _follows_a_predictor if parts.sof == LOSSLESS_SOF else _ends_flat
    if not certainly_ask and not trace(pixels):
        return False
    end = codestream.find(END, parts.scan)
    return not np.array_equal(decode(codestream[:end] + BAIT + END), pixels)


def _ends_flat(pixels: NDArray[Any]) -> bool:
    side = BLOCK if pixels.ndim == 2 else COLOUR_BLOCK
    rows, columns = pixels.shape[:2]
    block = pixels[(rows - 1) // side * side :, (columns - 1) // side * side :]
    return bool((block == block[0, 0]).all())


def _follows_a_predictor(pixels: NDArray[Any]) -> bool:
    """Whether one of the predictors of ISO 10918-1 table H.1 gives the last pixels exactly."""
    two = pixels[-2:, -LAST_PIXELS - 1 :].astype(np.int64)
    if two.shape[0] < 2 or two.shape[1] < 2:
        return True
    here, left, above, corner = two[1, 1:], two[1, :-1], two[0, 1:], two[0, :-1]
    predictions = (
        left,
        above,
        corner,
        left + above - corner,
        left + (above - corner >> 1),
        above + (left - corner >> 1),
        left + above >> 1,
    )
    return any(np.array_equal(here, prediction) for prediction in predictions)
