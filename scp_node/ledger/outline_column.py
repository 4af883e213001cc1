"""The outline of the lungs in an image as a column holds it: one byte a cell, packed, some hundred bytes in all."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

_SIDES = struct.Struct("<HH")
_LEVELS = 255
CELLS_MAX = 1 << 20


def packed(outline: NDArray[np.float32]) -> bytes:
    """`outline` [h, w], shares of 0 to 1, as rows, columns and levels of 0 to 255."""
    levels = np.rint(np.clip(outline, 0, 1) * _LEVELS).astype(np.uint8)
    return _SIDES.pack(*outline.shape) + zlib.compress(levels.tobytes(), 9)


def as_kept(outline: NDArray[np.float32]) -> NDArray[np.float32]:
    """`outline` as a column gives it back."""
    levels = np.rint(np.clip(outline, 0, 1) * _LEVELS)
    return (levels / np.float32(_LEVELS)).astype(np.float32)


def unpacked(column: bytes) -> NDArray[np.float32]:
    """What `packed` was given, within half a level. Raises ValueError for what it did not give."""
    try:
        rows, columns = _SIDES.unpack_from(column)
        if not 0 < rows * columns <= CELLS_MAX:
            raise ValueError(f"an outline of {rows} x {columns} cells")
        levels = zlib.decompressobj().decompress(column[_SIDES.size :], rows * columns)
        return (np.frombuffer(levels, np.uint8).reshape(rows, columns) / np.float32(_LEVELS)).astype(np.float32)
    except (struct.error, zlib.error) as error:
        raise ValueError(f"no outline: {error}") from error
