"""A VOI of the header that leaves nothing to see is left out with a note; one that shows the film never is."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pydicom import Dataset

from converter.image.grayscale import BLANK_VOI
from converter.image.image_file import read_image
from converter.image.pixels import render
from converter.image.voi import NARROW_TABLE
from converter.phantom.chest_sketch import sketch_chest
from tests.support.dicom.phantoms import lut_item, make_dx

DEPTHS = (8, 10, 12, 14, 16)
WITHOUT: dict[str, Any] = {"WindowCenter": None, "WindowWidth": None}


def film(bits: int, **attributes: Any) -> Dataset:
    return make_dx(rows=200, columns=180, bits_allocated=8 if bits == 8 else 16, bits_stored=bits, **attributes)


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def assert_looks_as(ds: Dataset, good: Dataset) -> None:
    shown, should = render(ds).pixels, render(good).pixels
    assert correlation(shown, should) > 0.98
    assert abs(float(shown.mean()) - float(should.mean())) / 65535 < 0.08


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(
    ("stored", "made_for"), [pair for pair in itertools.permutations(DEPTHS, 2) if abs(pair[0] - pair[1]) > 1]
)
def test_a_window_made_for_another_depth_is_left_out(stored: int, made_for: int, photometric: str) -> None:
    window = {"WindowCenter": 1 << made_for - 1, "WindowWidth": 1 << made_for}

    image = render(film(stored, photometric=photometric, **window))

    assert BLANK_VOI in image.notes
    assert_looks_as(film(stored, photometric=photometric, **window), film(stored, photometric=photometric))


ABSURD = [
    (2048, 1), (2048, 2), (0, 1), (4095, 1), (-5000, 100), (100_000, 10), (1e30, 1e30), (-1e30, 1), (0, 1e9),
    (40, 400), (2048, 1e6), (65535, 1), (1e-30, 1e-3),
]  # fmt: skip


@pytest.mark.parametrize("function", [None, "LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize(("centre", "width"), ABSURD)
def test_an_absurd_window_is_left_out(centre: float, width: float, function: str | None) -> None:
    attributes = {"WindowCenter": f"{centre:.6g}", "WindowWidth": f"{width:.6g}", "VOILUTFunction": function}

    assert_looks_as(film(12, **attributes), film(12))


@pytest.mark.parametrize("slope", ["0.25", "0.1", "16", "-10"])
def test_a_window_in_stored_values_of_a_rescaled_film_is_left_out(slope: str) -> None:
    ds = film(12, RescaleSlope=slope, RescaleIntercept="0")

    assert float(np.ptp(render(ds).pixels)) > 0.8 * 65535


@pytest.mark.parametrize("declared", [8, 10, 12, 14, 15, 16])
@pytest.mark.parametrize("used", [8, 10, 12, 14, 16])
def test_a_voi_lut_is_scaled_to_the_bits_its_entries_use(declared: int, used: int) -> None:
    entries = np.rint(np.arange(4096) / 4095 * ((1 << used) - 1))

    image = render(film(12, **WITHOUT, VOILUTSequence=[lut_item(entries, bits=declared)]))

    assert np.abs(image.pixels.astype(int) - render(film(12)).pixels).max() <= 65535 / ((1 << used) - 1) + 64
    assert (NARROW_TABLE in image.notes) == (used < declared)


@pytest.mark.parametrize("top", [3000, 40000])
def test_a_voi_lut_that_does_not_reach_the_end_of_its_bits_is_left_as_it_is(top: int) -> None:
    entries = np.rint(np.arange(4096) / 4095 * top)

    shown = render(film(12, **WITHOUT, VOILUTSequence=[lut_item(entries, bits=top.bit_length())])).pixels

    assert shown.max() == pytest.approx(65535 * top / ((1 << top.bit_length()) - 1), abs=20)


@pytest.mark.parametrize("sequence", ["VOILUTSequence", "ModalityLUTSequence"])
@pytest.mark.parametrize(
    ("signed", "vr", "first", "meant"),
    [
        (False, "SS", -25536, 40000),
        (False, "US", 40000, 40000),
        (True, "US", 45536, -20000),
        (True, "SS", -20000, -20000),
        (True, "SS", 100, 100),
        (False, "US", 100, 100),
    ],
)
def test_the_first_mapped_value_is_understood_under_either_vr(
    sequence: str, signed: bool, vr: str, first: int, meant: int
) -> None:
    """PS3.3 C.11.1.1, C.11.2.1.1: its VR follows Pixel Representation, and writers get it wrong."""
    levels = np.rint(sketch_chest(150, 150) * 999).astype(np.int64)
    item = Dataset()
    item.add_new("LUTDescriptor", "US" if first >= 0 and vr == "US" else "SS", [1000, first, 16])
    item.add_new("LUTData", "OW", np.rint(np.arange(1000) / 999 * 65535).astype("<u2").tobytes())
    window = WITHOUT if sequence == "VOILUTSequence" else {"WindowCenter": 32768, "WindowWidth": 65536}
    pixels = (levels + meant).astype("i2" if signed else "u2")
    ds = make_dx(pixels, bits_stored=16, signed=signed, **window)
    setattr(ds, sequence, [item])

    assert np.abs(render(ds).pixels - levels * (65535 / 999)).max() < 70


def test_a_film_that_is_blank_in_itself_keeps_its_window() -> None:
    pixels = np.full((200, 200), 1000, np.uint16)
    pixels[0, 0] = 1001

    assert BLANK_VOI not in render(make_dx(pixels, WindowCenter=2048, WindowWidth=1)).notes


@pytest.mark.parametrize("share", [0.3, 0.6, 0.85])
def test_shutters_are_no_reason_to_leave_a_window_out(share: float) -> None:
    pixels = np.rint(sketch_chest(300, 300) * 4095).astype(np.uint16)
    pixels[: int(300 * share)] = 0

    assert BLANK_VOI not in render(make_dx(pixels)).notes


@pytest.mark.parametrize("bits", DEPTHS)
@pytest.mark.parametrize("seed", range(4))
def test_the_window_of_a_phantom_is_followed(bits: int, seed: int) -> None:
    assert BLANK_VOI not in render(film(bits, seed=seed)).notes


@pytest.mark.data
def test_no_window_of_a_real_film_is_left_out(radiographs: Path) -> None:
    windowed = 0
    for path in sorted([*radiographs.glob("dicom/*/*.dcm"), *radiographs.glob("cxr/dicom/*")]):
        if path.read_bytes()[128:132] != b"DICM" or "46341" in path.name or "NoPixelData" in path.name:
            continue
        ds = read_image(path)
        assert isinstance(ds, Dataset)
        windowed += "WindowCenter" in ds or "VOILUTSequence" in ds
        assert BLANK_VOI not in render(ds).notes, path.name
    assert windowed > 15


@pytest.mark.data
def test_no_window_of_a_wrapped_film_is_left_out(radiographs: Path) -> None:
    paths = (
        sorted((radiographs / "cxr").glob("*/**/*.png"))[::20] + sorted((radiographs / "cxr").glob("*/**/*.jp*g"))[::20]
    )
    assert len(paths) > 100
    for path in paths[:400]:
        pixels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        assert pixels is not None
        assert BLANK_VOI not in render(make_dx(pixels, bits_allocated=8, bits_stored=8)).notes, path.name
