"""Where viewers write of a finding: beside its region or, where it has none, beside a short line in the margin.

OHIF draws a report only where every group has coordinates, and writes at the right one of their first two points, a
little below it (cornerstone: getTextBoxCoordsCanvas). A frame round the whole film put its words outside the viewport;
two points enclose nothing, so that nobody takes the mark for a region.
"""

from __future__ import annotations

from converter.result.findings import Point

LEFT, LENGTH = 0.03, 0.02  # of the width
TOP, BOTTOM, STEP_MAX = 0.04, 0.9, 0.1  # of the height


def label_mark(rows: int, columns: int, number: int, count: int) -> tuple[Point, Point]:
    """A level line from left to right for finding `number` of `count`, from 0; one below the other."""
    step = min(STEP_MAX, (BOTTOM - TOP) / max(1, count))
    row = round(rows * (TOP + step * number), 2)
    return (round(columns * LEFT, 2), row), (round(columns * (LEFT + LENGTH), 2), row)


def begun_beside(outline: tuple[Point, ...], columns: int) -> tuple[Point, ...]:
    """The same closed contour, begun where words right of its first point leave the region free: at its rightmost point
    in the left half of the film, else at its lowest one, from where words end further left. An open line stays."""
    if outline[0] != outline[-1]:
        return outline
    ring = outline[:-1]
    start = max(range(len(ring)), key=lambda place: ring[place][0])
    if ring[start][0] > columns / 2:
        start = max(range(len(ring)), key=lambda place: ring[place][1])
    turned = ring[start:] + ring[:start]
    return (*turned, turned[0])
