"""The outline of the lungs is a line round them and nothing else, of the size of the film."""

from __future__ import annotations

import numpy as np
import pytest

from converter.result.lung_layer import lung_layer

OUTLINE = np.zeros((32, 32), np.float32)
OUTLINE[8:24, 4:12] = OUTLINE[8:24, 20:28] = 1


@pytest.mark.parametrize("shape", [(640, 480), (64, 64), (1501, 2048)])
def test_a_line_goes_round_each_lung(shape: tuple[int, int]) -> None:
    layer = lung_layer(shape, OUTLINE)
    assert layer.shape == (*shape, 4) and layer.dtype == np.uint8
    rows, columns = shape
    seen = layer[rows // 2, :, 3] > 0
    edges = [round(columns * cell / 32) for cell in (4, 12, 20, 28)]
    reach = max(4, columns // 60)
    assert all(seen[edge - reach : edge + reach].any() for edge in edges)
    for clear in (0, 8, 16, 24, 31.9):
        assert not seen[int(columns * clear / 32)], clear


def test_without_lungs_the_layer_is_clear() -> None:
    assert not lung_layer((100, 80), np.full((32, 32), 0.5, np.float32)).any()
