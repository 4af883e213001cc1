"""Which lung and which zones a region lies in, however the stored frame lies."""

from __future__ import annotations

import numpy as np
import pytest

from converter.image.gray_image import IDENTITY_AFFINE
from converter.result.lung_sides import two_lungs
from converter.result.place import Place
from converter.result.placing import place_of

PREVIEW = (640, 320)
# Two lungs of 20 x 9 of 32 cells; their zones begin at rows 6, 12.67 and 19.33.
RIGHT, LEFT = np.s_[6:26, 4:13], np.s_[6:26, 19:28]
Box = tuple[float, float, float, float]


def cells(*parts: tuple[slice, slice]) -> np.ndarray:
    lung = np.zeros((32, 32), bool)
    for part in parts:
        lung[part] = True
    return lung


LUNGS = cells(RIGHT, LEFT)


def region(box: Box) -> tuple[tuple[float, float], ...]:
    """The closed rectangle of a box (top, bottom, left, right in cells) in pixels of the preview."""
    top, bottom, left, right = box[0] * 20, box[1] * 20, box[2] * 10, box[3] * 10
    return ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ((20, 25, 5, 12), "right lung, lower zone"),
        ((7, 11, 20, 26), "left lung, upper zone"),
        ((14, 18, 6, 10), "right lung, middle zone"),
        ((13, 26, 5, 12), "right lung, middle and lower zones"),
        ((6, 26, 20, 27), "left lung, all zones"),
        ((13, 19, 5, 27), "both lungs, middle zones"),
        ((7, 24, 5, 27), "both lungs, all zones"),
        ((27, 27.5, 6, 10), "right lung, lower zone"),
        ((4.5, 5.2, 21, 25), "left lung, upper zone"),
        ((15, 15.01, 8, 8.01), "right lung, middle zone"),
        ((14, 18, 15.6, 16.2), "outside the outlined lungs"),
        ((29, 31, 5, 27), "outside the outlined lungs"),
        ((20, 25, 5, 17.5), "right lung, lower zone"),
        ((12, 19, 5, 12), "right lung, middle zone"),
    ],
    ids=lambda one: str(one),
)
def test_a_region_has_its_place(box: Box, words: str) -> None:
    place = place_of(region(box), LUNGS, PREVIEW, IDENTITY_AFFINE)
    assert place is not None and place.words == words


def test_zones_are_thirds_of_the_lung_that_they_are_in() -> None:
    """The left lung is short and high: its lower zone is beside the middle of the right one."""
    lung = cells(RIGHT, np.s_[4:16, 19:28])
    place = place_of(region((13, 15.5, 5, 27)), lung, PREVIEW, IDENTITY_AFFINE)
    assert place == Place(right=("middle",), left=("lower",))


def test_the_place_goes_by_the_film_as_it_is_seen_not_as_it_is_stored() -> None:
    """A frame stored mirrored and twice as fine: what is at its right lies in the patient's right lung."""
    mirrored = np.array([[-2.0, 0.0, 2 * 320 - 1.5], [0.0, 2.0, 0.5]])
    corners = np.array(region((20, 25, 5, 12))) - 0.5
    stored = np.column_stack([corners, np.ones(5)]) @ mirrored.T + 0.5
    assert stored[:, 0].min() > 320
    place = place_of([(float(x), float(y)) for x, y in stored], LUNGS, PREVIEW, mirrored)
    assert place == Place(right=("lower",))


def test_a_frame_that_lies_on_its_side_is_turned_first() -> None:
    transposed = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    stored = [(y, x) for x, y in region((7, 11, 20, 26))]
    assert place_of(stored, LUNGS, PREVIEW, transposed) == Place(left=("upper",))


@pytest.mark.parametrize(
    "lung",
    [
        cells(),
        cells(RIGHT),
        cells(LEFT),
        cells(np.s_[6:26, 4:28]),
        cells(RIGHT, np.s_[6:8, 26:28]),
        cells(np.s_[3:4, 3:4]),
    ],
    ids=["no lung", "one", "the other", "one area", "one and a speck", "a cell"],
)
def test_without_two_lungs_nothing_is_said(lung: np.ndarray) -> None:
    assert two_lungs(lung) is None
    assert place_of(region((20, 25, 5, 12)), lung, PREVIEW, IDENTITY_AFFINE) is None


def test_lungs_that_touch_are_cut_between_them() -> None:
    found = two_lungs(cells(RIGHT, LEFT, np.s_[14:18, 13:19]))
    assert found is not None
    right, left = found
    assert right.sum() + left.sum() == LUNGS.sum() + 24 and not (right & left).any()
    assert right[RIGHT].all() and left[LEFT].all()


def test_a_lung_that_reaches_over_the_middle_stays_whole() -> None:
    found = two_lungs(cells(RIGHT, LEFT, np.s_[22:26, 13:17]))
    assert found is not None and found[0][22:26, 13:17].all() and not found[1][22:26, 13:17].any()
