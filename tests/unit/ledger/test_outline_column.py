"""An outline comes back from its column as it went in, and what is none is refused before it takes memory."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from scp_node.ledger.outline_column import CELLS_MAX, packed, unpacked


@pytest.mark.parametrize("shape", [(64, 64), (16, 512), (1, 1)])
def test_an_outline_comes_back(shape: tuple[int, int]) -> None:
    outline = np.random.default_rng(1).random(shape).astype(np.float32)
    kept = unpacked(packed(outline))
    assert kept.shape == shape and kept.dtype == np.float32
    assert np.abs(kept - outline).max() <= 0.5 / 255 + 1e-6


def test_an_outline_of_two_lungs_takes_some_hundred_bytes() -> None:
    rows, columns = np.mgrid[0:64, 0:64] / 64
    lungs = [((rows - 0.5) / 0.36) ** 2 + ((columns - x) / 0.16) ** 2 for x in (0.29, 0.71)]
    outline = 1 / (1 + np.exp(8 * (np.minimum(*lungs) - 1)))
    assert len(packed(outline.astype(np.float32))) < 1500


@pytest.mark.parametrize(
    "column",
    [
        b"",
        b"abc",
        struct.pack("<HH", 8, 8),
        struct.pack("<HH", 8, 8) + b"no zlib",
        struct.pack("<HH", 8, 8) + zlib.compress(bytes(63)),
        struct.pack("<HH", 0, 8) + zlib.compress(bytes(8)),
        struct.pack("<HH", 2048, CELLS_MAX // 1024) + zlib.compress(bytes(2 * CELLS_MAX)),
    ],
    ids=["nothing", "no sides", "no cells", "no compression", "a cell too few", "no rows", "too many"],
)
def test_what_is_no_outline_is_refused(column: bytes) -> None:
    with pytest.raises(ValueError, match=r"outline|reshape"):
        unpacked(column)


def test_more_cells_than_announced_are_not_unpacked() -> None:
    bomb = struct.pack("<HH", 2, 2) + zlib.compress(bytes(1 << 24))
    assert unpacked(bomb).shape == (2, 2)
