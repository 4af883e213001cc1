"""Properties that hold for any small image: the table equals the formulas, positions lead back, values keep order."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from converter.image.geometry import make_square
from converter.image.pixels import render
from tests.support.dicom.phantoms import from_upright, make_dx

ORIENTATIONS = [("L", "F"), ("R", "F"), ("L", "H"), ("R", "H"), ("F", "L"), ("F", "R"), ("H", "L"), ("H", "R")]
SHAPES = st.tuples(st.integers(1, 6), st.integers(1, 6))
QUICK = settings(max_examples=150, deadline=None, database=None)


@st.composite
def stored_images(draw: st.DrawFn) -> tuple[np.ndarray, dict[str, Any]]:
    allocated = draw(st.sampled_from([8, 16]))
    stored = draw(st.integers(1, allocated))
    signed = draw(st.booleans())
    words = draw(arrays(f"u{allocated // 8}", SHAPES))
    attributes = {
        "bits_allocated": allocated,
        "bits_stored": stored,
        "HighBit": draw(st.integers(stored - 1, allocated - 1)),
        "signed": signed,
        "photometric": draw(st.sampled_from(["MONOCHROME1", "MONOCHROME2"])),
        "PresentationLUTShape": None,
        "RescaleSlope": draw(st.sampled_from(["1", "0.5", "-2", "3.25"])),
        "RescaleIntercept": draw(st.sampled_from(["0", "-1024", "17.5"])),
        "WindowCenter": draw(st.integers(-70000, 70000)),
        "WindowWidth": draw(st.one_of(st.sampled_from([1, 2, 3]), st.integers(1, 140000))),
        "VOILUTFunction": draw(st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID", None])),
    }
    return words, attributes


def by_the_formulas(words: np.ndarray, attributes: dict[str, Any]) -> np.ndarray:
    """PS3.5 8.1.1, PS3.3 C.11.1, C.11.2.1.2, C.11.2.1.3, pixel by pixel."""
    bits = attributes["bits_stored"]
    values = (words.astype(np.int64) >> (attributes["HighBit"] + 1 - bits)) % 2**bits
    if attributes["signed"]:
        values = np.where(values >= 2 ** (bits - 1), values - 2**bits, values)
    x = values * float(attributes["RescaleSlope"]) + float(attributes["RescaleIntercept"])
    c, w = float(attributes["WindowCenter"]), float(attributes["WindowWidth"])
    match attributes["VOILUTFunction"]:
        case "SIGMOID":
            shown: NDArray[Any] = 1 / (1 + np.exp(np.clip(-4 * (x - c) / w, -700, 700)))
        case "LINEAR_EXACT":
            shown = np.where(x <= c - w / 2, 0, np.where(x > c + w / 2, 1, (x - c) / w + 0.5))
        case _:
            low, high = c - 0.5 - (w - 1) / 2, c - 0.5 + (w - 1) / 2
            between = (x - (c - 0.5)) / max(w - 1, 1) + 0.5
            shown = np.where(x <= low, 0, np.where(x > high, 1, between))
    return 1 - shown if attributes["photometric"] == "MONOCHROME1" else shown


@seed(20250102)
@QUICK
@given(stored_images())
def test_the_table_equals_the_formulas(image: tuple[np.ndarray, dict[str, Any]]) -> None:
    words, attributes = image

    shown = render(make_dx(words, **attributes)).pixels / 65535

    assert np.abs(shown - by_the_formulas(words, attributes)).max() <= 0.5 / 65535 + 1e-12


@seed(20250102)
@QUICK
@given(arrays(np.uint16, SHAPES), st.sampled_from(ORIENTATIONS))
def test_every_position_leads_back_to_its_stored_pixel(upright: np.ndarray, orientation: tuple[str, str]) -> None:
    stored = from_upright(upright, orientation)

    image = render(make_dx(stored, bits_stored=16, orientation=orientation, WindowCenter=32768, WindowWidth=65536))

    assert np.array_equal(image.pixels, upright)
    for row, column in np.ndindex(*upright.shape):
        x, y = image.to_source @ (column, row, 1)
        assert stored[int(y), int(x)] == upright[row, column]


@seed(20250102)
@QUICK
@given(SHAPES, st.floats(0.01, 10), st.floats(0.01, 10))
def test_squaring_covers_the_same_field(shape: tuple[int, int], height: float, width: float) -> None:
    ds = make_dx(np.zeros(shape, np.uint16), PixelSpacing=[f"{height:.6g}", f"{width:.6g}"])

    square, to_source, _ = make_square(np.zeros(shape, np.uint16), ds)

    far = to_source @ (square.shape[1] - 0.5, square.shape[0] - 0.5, 1)
    assert np.allclose(to_source @ (-0.5, -0.5, 1), (-0.5, -0.5))
    assert np.allclose(far, (shape[1] - 0.5, shape[0] - 0.5))
    assert all(0 < new <= old for new, old in zip(square.shape, shape, strict=True))


@seed(20250102)
@QUICK
@given(arrays(np.uint16, st.tuples(st.integers(2, 12), st.integers(2, 12))))
def test_an_automatic_window_keeps_the_order_of_gray_levels(pixels: np.ndarray) -> None:
    ds = make_dx(pixels, bits_stored=16, WindowCenter=None, WindowWidth=None, PresentationLUTShape=None)

    shown = render(ds).pixels

    order = np.argsort(pixels, axis=None, kind="stable")
    assert (np.diff(shown.ravel()[order].astype(np.int64)) >= 0).all()
