"""The VOI stage: from modality values to what is shown, 0 to 1 (PS3.3 C.11.2, PS3.4 N.2.2)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from converter.image.header import items, numbers, word
from converter.image.lookup_table import LookupTable, read_lookup_table

Values = NDArray[np.float64]

SEVERAL_TABLES = "several VOI LUTs in the header: the first was used"
SEVERAL_WINDOWS = "several windows in the header: the first was used"
NARROW_TABLE = "the VOI LUT in the header uses fewer bits than it declares: scaled to these"
UNUSABLE_TABLE = "the VOI LUT in the header is unusable and was left out"
UNUSABLE_WINDOW = "the window in the header is unusable and was left out"


def linear(values: Values, centre: float, width: float) -> Values:
    """PS3.3 C.11.2.1.2.1; a width of 1 is a threshold."""
    if width == 1:
        return (values > centre - 0.5).astype(np.float64)
    return np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)


def linear_exact(values: Values, centre: float, width: float) -> Values:
    """PS3.3 C.11.2.1.3.2."""
    return np.clip((values - centre) / width + 0.5, 0, 1)


def sigmoid(values: Values, centre: float, width: float) -> Values:
    """PS3.3 C.11.2.1.3.1, 1 / (1 + exp(-4 (x - c) / w)), written so that it cannot overflow."""
    return 0.5 + 0.5 * np.tanh(2 * (values - centre) / width)


WindowFunction = Callable[[Values, float, float], Values]
# VOI LUT Function: (what it does, smallest width it is defined for).
WINDOW_FUNCTIONS: dict[str, tuple[WindowFunction, float]] = {
    "LINEAR": (linear, 1),
    "LINEAR_EXACT": (linear_exact, np.nextafter(0, 1)),
    "SIGMOID": (sigmoid, np.nextafter(0, 1)),
}


def header_voi(ds: Dataset, values: Values, big_endian: bool) -> tuple[Values | None, tuple[str, ...]]:
    """What the header's VOI LUT or window makes of `values`, or None when it has none that is usable; and notes.

    Where both are present either may be applied (PS3.3 C.11.2.1.2.1): the VOI LUT is taken, because it can follow the
    curve of the device where a window is only an approximation of it.
    """
    table, notes = _first_table(ds, (float(values.min()), float(values.max())), big_endian)
    if table is not None:
        return table(values) / table.maximum, notes
    centres, widths = numbers(ds, "WindowCenter"), numbers(ds, "WindowWidth")
    if not centres and not widths:
        return None, notes
    function, width_min = WINDOW_FUNCTIONS.get(word(ds, "VOILUTFunction"), WINDOW_FUNCTIONS["LINEAR"])
    if not centres or not widths or widths[0] < width_min:
        return None, (*notes, UNUSABLE_WINDOW)
    several = (SEVERAL_WINDOWS,) if len(centres) > 1 else ()
    return function(values, centres[0], widths[0]), (*notes, *several)


def _first_table(
    ds: Dataset, inputs: tuple[float, float], big_endian: bool
) -> tuple[LookupTable | None, tuple[str, ...]]:
    sequence = items(ds, "VOILUTSequence")
    if not sequence:
        return None, ()
    table = read_lookup_table(sequence[0], inputs, big_endian)
    if table is None:
        return None, (UNUSABLE_TABLE,)
    several = (SEVERAL_TABLES,) if len(sequence) > 1 else ()
    return table, (*several, NARROW_TABLE) if table.narrow else several
