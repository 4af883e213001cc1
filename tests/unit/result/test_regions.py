"""From an activation map to contours in the stored frame, however the film lay on the plate."""

import numpy as np
import pytest
from numpy.typing import NDArray

from converter.image.pixels import render
from converter.result.findings import Point
from converter.result.lung_sides import Mask
from converter.result.regions import SPOTS_MAX, Field, evidence, rectangle, regions_of, spots, whole_frame
from converter.result.unplaced import BOTH_LUNGS, FLAT_MAP, OUTSIDE_LUNGS, UNPLACED, unplaced_words
from tests.support.dicom.phantoms import make_dx
from tests.support.results.reports import a_cam

IDENTITY = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
ORIENTATIONS = [("L", "F"), ("R", "F"), ("L", "H"), ("R", "H"), ("F", "L"), ("H", "L"), ("F", "R"), ("H", "R")]
FILM = Field((640, 640), IDENTITY, (640, 640))
CELLS = 16


def outlines(
    cam: NDArray[np.float32], field: Field = FILM, full_scale: float | None = None
) -> list[NDArray[np.float64]]:
    regions, _ = regions_of(cam, full_scale, field)
    return [np.array(region.outline) for region in regions]


def centre(outline: tuple[Point, ...]) -> tuple[float, float]:
    (left, top), _, (right, bottom), *_ = rectangle(outline)
    return (left + right) / 2, (top + bottom) / 2


def hot(*cells: tuple[int, int, float]) -> NDArray[np.float32]:
    """A map of 16 x 16 cells over 640 x 640 pixels, cold but for (row, column, activation)."""
    cam = np.full((CELLS, CELLS), -3.0, np.float32)
    for row, column, activation in cells:
        cam[row, column] = activation
    return cam


def two_lungs() -> NDArray[np.float32]:
    lungs = np.zeros((64, 64), np.float32)
    lungs[8:56, 6:28] = lungs[8:56, 36:58] = 1
    return lungs


def test_a_contour_surrounds_the_hot_cell() -> None:
    (outline,) = outlines(a_cam(row=4, column=2), Field((700, 700), IDENTITY, (700, 700)))
    (left, top), (right, bottom) = outline.min(axis=0), outline.max(axis=0)
    assert left == pytest.approx(200, abs=35) and right == pytest.approx(300, abs=35)
    assert top == pytest.approx(400, abs=35) and bottom == pytest.approx(500, abs=35)
    assert (outline[0] == outline[-1]).all() and len(outline) > 5, "a closed line, and no box"


def test_contours_scale_from_the_preview_to_the_frame() -> None:
    to_source = np.array([[4.0, 0.0, 1.5], [0.0, 4.0, 1.5]])
    (small,) = outlines(a_cam(), Field((100, 80), IDENTITY, (100, 80)))
    (large,) = outlines(a_cam(), Field((100, 80), to_source, (400, 320)))
    assert np.allclose(large, small * 4, atol=0.1)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_in_a_turned_film_a_contour_lies_where_the_hot_spot_is_stored(orientation: tuple[str, str]) -> None:
    image = render(make_dx(rows=420, columns=340, orientation=orientation))
    cam = a_cam(row=5, column=1)
    (region,) = outlines(cam, Field(image.pixels.shape, image.to_source, image.source_shape))
    rows, columns = image.pixels.shape
    upright = np.array([1.5 / 7 * columns - 0.5, 5.5 / 7 * rows - 0.5, 1.0])
    column, row = image.to_source @ upright + 0.5
    assert region[:, 0].min() < column < region[:, 0].max()
    assert region[:, 1].min() < row < region[:, 1].max()
    area = np.ptp(region[:, 0]) * np.ptp(region[:, 1])
    assert area < 0.1 * rows * columns


def test_every_spot_above_the_level_has_a_contour_and_the_strongest_is_first() -> None:
    regions, why = regions_of(hot((3, 3, 40.0), (11, 11, 50.0), (3, 12, 19.0)), 40.0, FILM)
    assert np.allclose([centre(one.outline) for one in regions], [(460, 460), (140, 140)], atol=15)
    assert why == ""


def test_the_level_is_the_same_for_all_films_of_a_model() -> None:
    alone, beside = hot((3, 3, 40.0)), hot((3, 3, 40.0), (11, 11, 90.0))
    assert np.array_equal(outlines(alone, full_scale=40.0)[0], outlines(beside, full_scale=40.0)[1])
    assert len(outlines(beside)) == 1, "without a scale the strongest spot sets the level"


def test_spots_are_bounded() -> None:
    cam = hot(*((row, column, 40.0) for row in (2, 7, 12) for column in (2, 7, 12)))
    assert len(outlines(cam, full_scale=40.0)) == SPOTS_MAX == len(spots(evidence(cam, 256, 256), 40.0))


def test_a_contour_at_the_border_stays_inside_the_frame() -> None:
    (region,) = outlines(a_cam(row=6, column=0), Field((300, 200), IDENTITY, (300, 200)))
    assert region.min() >= 0.5 and region[:, 0].max() <= 199.5 and region[:, 1].max() <= 299.5


@pytest.mark.parametrize(("cam", "full_scale"), [(hot(), None), (hot((4, 4, 9.0)), 40.0)])
def test_a_map_on_which_nothing_stands_out_has_no_region(cam: NDArray[np.float32], full_scale: float | None) -> None:
    assert regions_of(cam, full_scale, FILM) == ((), FLAT_MAP)


@pytest.mark.parametrize(("column", "side"), [(4, "right"), (11, "left")])
def test_in_the_lungs_a_region_has_its_place(column: int, side: str) -> None:
    (region,), why = regions_of(hot((11, column, 50.0)), 40.0, FILM, two_lungs())
    assert region.place is not None and region.place.side == side and why == ""
    assert "lower" in region.place.words


def test_a_spot_in_each_lung_is_a_region_of_each() -> None:
    regions, _ = regions_of(hot((11, 4, 50.0), (4, 11, 45.0)), 40.0, FILM, two_lungs())
    assert [region.place.side if region.place else None for region in regions] == ["right", "left"]


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ([(8, 7, 50.0), (8, 8, 50.0)], OUTSIDE_LUNGS),
        ([(1, 8, 50.0)], OUTSIDE_LUNGS),
        ([(8, column, 50.0 + (column == 4)) for column in range(3, 13)], BOTH_LUNGS),
    ],
    ids=["between", "above", "across"],
)
def test_what_cannot_be_placed_has_no_region_and_says_why(cells: list[tuple[int, int, float]], code: str) -> None:
    assert regions_of(hot(*cells), 40.0, FILM, two_lungs()) == ((), code)
    assert unplaced_words(code) == f"not placed: {UNPLACED[code]}"


def test_a_region_ends_at_the_lung() -> None:
    inside, lungs = hot((11, 6, 50.0), (11, 7, 40.0)), two_lungs()
    (region,), _ = regions_of(inside, 40.0, FILM, lungs)
    edge = 28 / 64 * 640
    assert max(x for x, _ in region.outline) <= edge + 5 < np.array(outlines(inside, FILM, 40.0)[0])[:, 0].max()


def test_of_a_part_of_the_lungs_no_zone_is_told() -> None:
    (region,), _ = regions_of(hot((11, 4, 50.0)), 40.0, FILM, two_lungs(), is_zoned=False)
    assert region.place is None


def test_the_whole_frame_is_the_rectangle_through_its_border_pixels() -> None:
    assert whole_frame((300, 200)) == ((0.5, 0.5), (199.5, 0.5), (199.5, 299.5), (0.5, 299.5), (0.5, 0.5))


@pytest.mark.parametrize("shape", [(1, 1), (7, 7), (14, 10)])
@pytest.mark.parametrize("size", [(5, 4), (56, 56), (640, 480)])
def test_evidence_is_positive_and_no_higher_than_the_map(shape: tuple[int, int], size: tuple[int, int]) -> None:
    cam = np.random.default_rng(0).normal(0, 3, shape).astype(np.float32)
    fine = evidence(cam, *size)
    assert fine.shape == size and fine.min() >= 0 and fine.max() <= max(0.0, float(cam.max()))


def test_a_spot_is_connected() -> None:
    found: list[Mask] = spots(evidence(hot((3, 3, 40.0), (11, 11, 50.0)), 256, 256), 40.0)
    assert [int(spot[176:192, 176:192].any()) for spot in found] == [1, 0]
