"""Where viewers write of a finding that has no region: beside a short line in the margin of the film.

OHIF draws a report only where every group has coordinates, and writes at the right end of them. A frame round the whole
film put its words outside the viewport. Two points enclose nothing, so that nobody takes the mark for a region.
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
