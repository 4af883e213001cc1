"""A map is compared with boxes in the pixels of the stored image, however the film was turned and shrunk."""

from __future__ import annotations

import numpy as np
import pytest

from converter.evaluation.localisation import in_boxes, localise
from converter.image.gray_image import IDENTITY_AFFINE

SHAPE = (400, 600)  # rows, columns of the stored image
PREVIEW = (200, 300)
HALVED = np.array([[2.0, 0, 0.5], [0, 2.0, 0.5]])


def map_with_spot(row: int, column: int, side: int = 8) -> np.ndarray:
    cam = np.full((side, side), -1.0, dtype=np.float32)
    cam[row, column] = 5
    return cam


def spot_box(row: int, column: int) -> tuple[float, float, float, float]:
    """The cell of an 8 x 8 map in stored pixels."""
    return column * 75.0, row * 50.0, 75.0, 50.0


def test_a_spot_in_the_box_points_there() -> None:
    found = localise(map_with_spot(5, 2), [spot_box(5, 2)], PREVIEW, HALVED)
    assert found.pointed
    assert found.area == pytest.approx(1 / 64, abs=1e-3)
    assert found.energy > 0.4  # the map is drawn smoothly, over the edges of its cell
    assert found.overlap > 0.5


def test_a_spot_elsewhere_does_not() -> None:
    found = localise(map_with_spot(5, 2), [spot_box(1, 6)], PREVIEW, HALVED)
    assert not found.pointed
    assert found.overlap == 0
    assert found.energy < 0.01


def test_a_map_without_positive_evidence_points_nowhere() -> None:
    found = localise(np.full((8, 8), -1, np.float32), [spot_box(0, 0)], PREVIEW, HALVED)
    assert (found.pointed, found.energy, found.overlap) == (False, 0, 0)
    assert found.area == pytest.approx(1 / 64, abs=1e-3)


def test_even_attention_has_the_energy_of_the_area() -> None:
    found = localise(np.ones((8, 8), np.float32), [(0, 0, 300, 400), (450, 0, 150, 400)], PREVIEW, HALVED)
    assert found.energy == pytest.approx(0.75, abs=0.01)
    assert found.area == pytest.approx(0.75, abs=0.01)


def test_boxes_follow_a_film_that_was_turned() -> None:
    # The preview is the stored frame turned by 90 degrees: its column is the stored row, mirrored.
    turned = np.array([[0.0, 1, 0], [-1, 0, SHAPE[0] - 1]])
    cam = map_with_spot(row=2, column=7)
    # preview column 7/8 -> stored rows near the top, preview row 2/8 -> stored columns at 2/8
    found = localise(cam, [(150, 0, 75, 50)], (SHAPE[1], SHAPE[0]), turned)
    assert found.pointed


def test_overlapping_boxes_count_once() -> None:
    inside = in_boxes([(0, 0, 300, 400), (0, 0, 300, 400)], SHAPE, IDENTITY_AFFINE)
    assert inside.mean() == pytest.approx(0.5)


def test_without_a_box_there_is_nothing_to_compare() -> None:
    with pytest.raises(ValueError, match="no box"):
        localise(map_with_spot(0, 0), [], PREVIEW, HALVED)
