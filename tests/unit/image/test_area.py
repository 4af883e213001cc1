"""The area average is OpenCV's own to the last bit, whichever way the image is cut, and so is the model's input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from converter.image import area
from converter.image.area import AreaAverage
from converter.image.convert import Converted, convert
from converter.image.decode import decode_frame
from converter.image.gray_image import GrayImage
from converter.image.grayscale import gray_levels
from converter.image.plausibility import check_pixels
from converter.package.network import InputSpec, Normalisation
from converter.phantom.chest_sketch import sketch_chest
from tests.support.dicom.part10 import read_dicom
from tests.support.dicom.phantoms import make_dx, write_dx

COMPUTED_RADIOGRAPHY = "1.2.840.10008.5.1.4.1.1.1"


def noise(rows: int, columns: int, seed: int = 0) -> NDArray[np.uint16]:
    return np.random.default_rng(seed).integers(0, 65536, (rows, columns), np.uint16)


def by_opencv(pixels: NDArray[np.uint16], columns: int, rows: int) -> NDArray[Any]:
    return np.asarray(cv2.resize(pixels, (columns, rows), interpolation=cv2.INTER_AREA))


@pytest.mark.parametrize(
    ("shape", "shrunk", "cut"),
    [
        ((764, 500), (128, 128), (4, 0)),
        ((763, 500), (128, 128), (4, 1)),
        ((764, 500), (126, 127), (2, 0)),
        ((763, 502), (127, 126), (2, 1)),
        ((763, 501), (128, 128), None),
        ((768, 512), (192, 128), None),
        ((768, 512), (384, 256), None),
        ((100, 500), (128, 128), None),
        ((764, 500), (764, 500), None),
    ],
)
def test_each_way_to_cut_gives_what_opencv_gives(
    shape: tuple[int, int], shrunk: tuple[int, int], cut: tuple[int, int] | None
) -> None:
    pixels = noise(*shape)
    average = AreaAverage(pixels)

    rows, columns = shrunk
    assert np.array_equal(average.to(columns, rows), by_opencv(pixels, columns, rows))

    assert set(average._cut) == ({cut} if cut else set())


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.integers(8, 700)] * 4), st.integers(0, 1 << 30))
def test_any_size_gives_what_opencv_gives(sides: tuple[int, ...], seed: int) -> None:
    rows, columns, shrunk_rows, shrunk_columns = sides
    for factor in (1, 4):  # the second time it can often be cut
        pixels = noise(factor * rows, factor * columns, seed)
        averaged = AreaAverage(pixels).to(shrunk_columns, shrunk_rows)
        assert np.array_equal(averaged, by_opencv(pixels, shrunk_columns, shrunk_rows))


def test_an_image_whose_bands_would_be_weighed_differently_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    real = cv2.resize
    area._can_be_cut.cache_clear()

    def rounds_differently(pixels: NDArray[Any], size: tuple[int, int], interpolation: int) -> NDArray[Any]:
        weights = np.asarray(real(pixels, size, interpolation=interpolation))
        return weights if len(pixels) == 764 else np.nextafter(weights, 2)

    with monkeypatch.context() as patch:
        patch.setattr(cv2, "resize", rounds_differently)
        assert not area._can_be_cut(764, 128, 4)
    area._can_be_cut.cache_clear()
    assert area._can_be_cut(764, 128, 4)


RADIOGRAPHS: dict[str, dict[str, Any]] = {
    "DX, 12 bits": {"rows": 1524, "columns": 1250},
    "DX, 14 bits, sides that cannot be cut": {"rows": 1523, "columns": 1249, "bits_stored": 14},
    "DX, MONOCHROME1, turned": {"rows": 1000, "columns": 1204, "photometric": "MONOCHROME1", "orientation": ("R", "F")},
    "DX, signed, rescaled": {"rows": 800, "columns": 700, "signed": True, "RescaleIntercept": -7, "RescaleSlope": 1.5},
    "DX without a window": {"rows": 900, "columns": 802, "WindowCenter": None, "WindowWidth": None},
    "CR, 10 bits": {"rows": 2140, "columns": 1760, "bits_stored": 10, "sop_class": COMPUTED_RADIOGRAPHY},
    "CR, 8 bits": {"rows": 1024, "columns": 1024, "bits_allocated": 8, "bits_stored": 8, "Modality": "CR"},
    "CR, smaller than the model's input": {"rows": 180, "columns": 160, "sop_class": COMPUTED_RADIOGRAPHY},
}


@pytest.mark.parametrize("case", RADIOGRAPHS.values(), ids=RADIOGRAPHS)
@pytest.mark.parametrize("sides", [(128, 128), (127, 224), (320, 256)], ids=str)
def test_a_model_sees_what_the_slow_way_gives(case: dict[str, Any], sides: tuple[int, int], tmp_path: Path) -> None:
    """One value after the other: each pixel's gray level from the pipeline, rounded, OpenCV's resize of the whole."""
    spec = InputSpec(
        height=sides[0], width=sides[1], layout="NCHW", normalisation=Normalisation(name="centre-standardise")
    )
    path = write_dx(tmp_path / "image.dcm", make_dx(seed=sides[0], **case))
    ds = read_dicom(path)
    stored = decode_frame(ds)
    levels, _ = gray_levels(ds, stored)
    gray = np.array([round(float(level) * 65535) for level in levels], np.uint16)[stored.words]
    if ds.PatientOrientation[0] == "R":
        gray = np.ascontiguousarray(gray[:, ::-1])

    converted = convert(path, spec, None, 1536, 100_000_000)

    assert isinstance(converted, Converted)
    shown = by_opencv(gray, sides[1], sides[0]).astype(np.float32) / np.float32(65535)
    rows, columns = (round(side / 8) for side in sides)
    centre = shown[rows:-rows, columns:-columns].astype(np.float64)
    expected = np.clip((shown - centre.mean()) / (centre.std() + 1e-3), -3, 3).astype(np.float32)
    assert np.array_equal(converted.model_input[0], expected)
    factor = min(1, 1536 / max(gray.shape))
    size = [round(side * factor) for side in gray.shape[::-1]]
    assert np.array_equal(converted.preview, (by_opencv(gray, *size) if factor < 1 else gray) >> 8)


@pytest.mark.parametrize("seed", range(6))
def test_what_is_judged_on_the_preview_is_judged_as_on_the_image(seed: int) -> None:
    rng = np.random.default_rng(seed)
    film = sketch_chest(2000, 1700, seed, noise=0.003) * rng.choice([1.0, 0.3, 0.1, 0.07, 0.02])
    pictures = [film, np.round(film * 8) / 8, np.linspace(0, rng.uniform(0.05, 1), 1700) + np.zeros((2000, 1))]
    for picture in pictures:
        image = GrayImage((np.clip(picture, 0, 1) * 65535).astype(np.uint16), (2000, 1700))
        small = image.average.to(1306, 1536)
        judged, expected = check_pixels(image, small), check_pixels(image)
        assert (judged and judged.code) == (expected and expected.code)
