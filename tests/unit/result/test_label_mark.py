"""Where viewers write of a region: its contour begins where they leave it free."""

from __future__ import annotations

from itertools import pairwise

import pytest

from converter.result.findings import Point
from converter.result.label_mark import begun_beside

COLUMNS = 400
SQUARE: tuple[Point, ...] = ((20.0, 20.0), (80.0, 30.0), (60.0, 90.0), (10.0, 80.0), (20.0, 20.0))


def moved(outline: tuple[Point, ...], by: float) -> tuple[Point, ...]:
    return tuple((x + by, y) for x, y in outline)


@pytest.mark.parametrize(
    ("by", "first"), [(0.0, (80.0, 30.0)), (300.0, (360.0, 90.0))], ids=["left half", "right half"]
)
def test_a_contour_begins_at_its_right_or_at_its_lower_end(by: float, first: Point) -> None:
    outline = moved(SQUARE, by)
    turned = begun_beside(outline, COLUMNS)
    assert turned[0] == turned[-1] == first


def test_it_stays_the_same_contour() -> None:
    turned = begun_beside(SQUARE, COLUMNS)
    edges = set(pairwise(SQUARE))
    assert set(pairwise(turned)) == edges and len(turned) == len(SQUARE)


def test_an_open_line_is_left_alone() -> None:
    assert begun_beside(SQUARE[:-1], COLUMNS) == SQUARE[:-1]
