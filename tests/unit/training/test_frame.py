"""The frame round an outline of lungs: whether there is one, where it lies, and what is seen within it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data.frame import AREA_MIN, BEYOND_EDGE, MARGIN, SIDE_MIN, Frame, cells_of, frame_of, framed, resampling

SIDE = 64
Mask = np.ndarray


def mask(*boxes: tuple[int, int, int, int]) -> Mask:
    """[64, 64]: lung in boxes of (top, bottom, left, right)."""
    made = np.zeros((SIDE, SIDE), np.float32)
    for top, bottom, left, right in boxes:
        made[top:bottom, left:right] = 0.9
    return made


BOTH = mask((10, 50, 8, 28), (12, 52, 36, 56))


def near(frame: Frame, left: float, top: float, right: float, bottom: float) -> bool:
    edges = (frame.left, frame.top, frame.right, frame.bottom)
    return bool(np.allclose(edges, np.array([left, top, right, bottom]), atol=1e-6))


def test_a_frame_is_the_box_of_both_lungs_and_a_margin() -> None:
    frame = frame_of(BOTH)
    wide, high = (56 - 8) / SIDE, (52 - 10) / SIDE
    x, y = MARGIN * wide, MARGIN * high
    assert frame.found
    assert near(frame, 8 / SIDE - x, 10 / SIDE - y, 56 / SIDE + x, 52 / SIDE + y)


def test_one_lung_has_a_frame_of_its_own() -> None:
    frame = frame_of(mask((10, 50, 6, 30)))
    assert frame.found and frame.right < 0.55 and frame.left < 0.1


@pytest.mark.parametrize(
    "outline",
    [
        pytest.param(mask(), id="none"),
        pytest.param(mask((0, 64, 0, 1), (0, 64, 61, 62)), id="too-small-an-area"),
        pytest.param(mask((0, 64, 20, 39)), id="too-narrow"),
        pytest.param(mask((20, 39, 0, 64)), id="too-low"),
        pytest.param(BOTH * 0.5, id="unsure"),
    ],
)
def test_where_no_lungs_are_outlined_the_whole_film_is_the_frame(outline: Mask) -> None:
    assert frame_of(outline) == Frame(0.0, 0.0, 1.0, 1.0, False)


def test_the_least_area_and_the_least_side_are_those_of_the_rules() -> None:
    assert pytest.approx((19.2, 204.8)) == (SIDE_MIN * SIDE, AREA_MIN * SIDE**2)
    assert frame_of(mask((20, 40, 20, 40))).found
    assert not frame_of(mask((20, 40, 20, 39))).found
    assert frame_of(mask((0, 51, 0, 2), (0, 52, 60, 62))).found
    assert not frame_of(mask((0, 51, 0, 2), (0, 51, 60, 62))).found


def test_a_frame_ends_at_the_film() -> None:
    assert near(frame_of(mask((0, 64, 0, 64))), 0, 0, 1, 1) and frame_of(mask((0, 64, 0, 64))).found
    frame = frame_of(mask((0, 40, 0, 40)))
    assert (frame.left, frame.top) == (0, 0) and 40 / SIDE < frame.right < 0.7


def test_a_stray_spot_moves_no_edge() -> None:
    spotted = BOTH.copy()
    spotted[60:63, 61:63] = spotted[0:2, 0:2] = 1
    assert spotted.sum() > BOTH.sum()
    assert frame_of(spotted) == frame_of(BOTH)


def test_a_spot_that_is_a_part_of_the_lungs_does() -> None:
    assert frame_of(np.maximum(BOTH, mask((56, 62, 40, 56)))).bottom > frame_of(BOTH).bottom


boxes = st.tuples(*[st.integers(0, SIDE)] * 4).map(lambda box: (*sorted(box[:2]), *sorted(box[2:])))


@given(st.lists(boxes, max_size=4))
def test_every_frame_lies_in_the_film_and_holds_nearly_all_of_the_outline(
    places: list[tuple[int, int, int, int]],
) -> None:
    outline = mask(*places)
    frame = frame_of(outline)
    assert 0 <= frame.left < frame.right <= 1 and 0 <= frame.top < frame.bottom <= 1
    assert frame.right - frame.left >= SIDE_MIN and frame.bottom - frame.top >= SIDE_MIN
    centres = (np.arange(SIDE) + 0.5) / SIDE
    rows, columns = (centres > frame.top) & (centres < frame.bottom), (centres > frame.left) & (centres < frame.right)
    assert outline[np.ix_(rows, columns)].sum() >= 0.96 * outline.sum() - 1e-3


@given(st.lists(boxes, min_size=1, max_size=3))
def test_the_frame_of_a_mirrored_film_is_the_mirrored_frame(places: list[tuple[int, int, int, int]]) -> None:
    frame, mirrored = frame_of(mask(*places)), frame_of(mask(*places)[:, ::-1])
    assert mirrored.found == frame.found
    assert near(mirrored, 1 - frame.right, frame.top, 1 - frame.left, frame.bottom)


# What is seen within it

shares = st.tuples(st.floats(0, 0.6), st.floats(0.3, 1)).map(lambda pair: (pair[0], min(1.0, pair[0] + pair[1])))


@given(st.integers(8, 300), st.integers(2, 200), shares)
def test_every_sample_is_a_mean_of_pixels(side: int, samples: int, edges: tuple[float, float]) -> None:
    weights = resampling(side, samples, *edges)
    assert weights.shape == (samples, side) and weights.dtype == np.float32
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)


def test_the_whole_film_in_its_own_size_is_itself() -> None:
    film = np.random.default_rng(1).random((20, 30)).astype(np.float32)
    np.testing.assert_allclose(framed(film, Frame(), 20, 30), film, atol=1e-6)


@pytest.mark.parametrize("samples", [16, 40, 160], ids=["smaller", "alike", "larger"])
def test_a_ramp_stays_where_it_is(samples: int) -> None:
    """Each sample has the gray value of its own place of the film, so nothing is shifted."""
    ramp = np.tile(((np.arange(80) + 0.5) / 80).astype(np.float32), (80, 1))
    frame = Frame(0.25, 0.25, 0.75, 0.75, True)
    wanted = (0.25 + 0.5 * (np.arange(samples) + 0.5) / samples).astype(np.float32)
    np.testing.assert_allclose(framed(ramp, frame, samples, samples), np.tile(wanted, (samples, 1)), atol=1e-3)
    np.testing.assert_allclose(framed(ramp.T, frame, samples, samples).T, np.tile(wanted, (samples, 1)), atol=1e-3)


def test_a_frame_that_is_made_smaller_is_averaged_and_not_picked() -> None:
    checked = np.indices((80, 80)).sum(axis=0).astype(np.float32) % 2
    np.testing.assert_allclose(framed(checked, Frame(), 20, 20), 0.5, atol=0.02)


# How much its places count


def test_places_far_from_lungs_count_nothing_and_all_count_one_in_the_mean() -> None:
    outline = mask((4, 60, 4, 20), (4, 60, 44, 60))
    cells = cells_of(outline, frame_of(outline), 10, 10)
    assert cells.shape == (10, 10) and cells.dtype == np.float32
    assert cells.mean() == pytest.approx(1, abs=1e-5)
    assert (cells[:, 5] == 0).all() and (cells[2:8, 1] > 1).all() and (cells >= 0).all()


def test_places_just_beyond_the_edge_count() -> None:
    frame = Frame(0, 0, 1, 1, True)
    counted = cells_of(mask((20, 40, 20, 40)), frame, SIDE, SIDE)[30]
    assert (counted[20 - BEYOND_EDGE : 40 + BEYOND_EDGE] > 0).all()
    assert counted[20 - BEYOND_EDGE - 1] == counted[40 + BEYOND_EDGE] == 0


def test_without_an_outline_every_place_counts_alike() -> None:
    np.testing.assert_array_equal(cells_of(mask(), Frame(), 6, 7), np.ones((6, 7)))


@given(st.lists(boxes, min_size=1, max_size=3))
def test_places_of_every_outline_count_one_in_the_mean(places: list[tuple[int, int, int, int]]) -> None:
    outline = mask(*places)
    cells = cells_of(outline, frame_of(outline), 10, 10)
    assert np.isfinite(cells).all() and (cells >= 0).all() and cells.mean() == pytest.approx(1, abs=1e-4)
