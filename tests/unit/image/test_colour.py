"""Radiographs exported in colour become gray, and coloured pictures are told apart from them."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless, RLELossless

from converter.image.colour import COLOURED, FROM_COLOUR
from converter.image.pixels import render
from converter.image.plausibility import check_pixels
from converter.phantom.chest_sketch import sketch_chest
from tests.support.dicom.phantoms import compress_with, make_dx

EIGHT: dict[str, Any] = {"bits_allocated": 8, "bits_stored": 8}


def gray_levels() -> NDArray[np.uint8]:
    return np.rint(sketch_chest(160, 136) * 255).astype(np.uint8)


def heat_colours() -> NDArray[np.uint8]:
    return cv2.applyColorMap(gray_levels(), cv2.COLORMAP_JET)[..., ::-1].astype(np.uint8)


def test_a_film_stored_as_rgb_is_shown_as_the_gray_film() -> None:
    image = render(make_dx(np.repeat(gray_levels()[..., None], 3, axis=2), photometric="RGB", **EIGHT))

    assert np.abs(image.pixels.astype(int) - gray_levels().astype(int) * 257).max() <= 1
    assert image.notes == (FROM_COLOUR,)


def test_planes_apart_are_shown_like_planes_together() -> None:
    colours = heat_colours()
    ds = make_dx(colours, photometric="RGB", **EIGHT)
    together = render(ds).pixels
    ds.PlanarConfiguration = 1
    ds.PixelData = colours.transpose(2, 0, 1).tobytes()

    assert np.array_equal(render(ds).pixels, together)


def test_rgb_brightness_is_that_of_bt_601() -> None:
    colours = heat_colours()

    image = render(make_dx(colours, photometric="RGB", **EIGHT))

    expected = colours @ np.array([0.299, 0.587, 0.114]) * 257
    assert np.abs(image.pixels - expected).max() < 3
    assert COLOURED in image.notes


def test_sixteen_bit_rgb_keeps_its_depth() -> None:
    deep = np.rint(sketch_chest(160, 136) * 65535).astype(np.uint16)

    image = render(make_dx(np.repeat(deep[..., None], 3, axis=2), photometric="RGB", bits_stored=16))

    assert np.abs(image.pixels.astype(int) - deep).max() <= 1


@pytest.mark.parametrize("photometric", ["YBR_FULL", "YBR_FULL_422"])
def test_ybr_shows_its_luminance(photometric: str) -> None:
    image = render(ybr(photometric, chroma=128))

    assert np.array_equal(image.pixels, gray_levels().astype(np.uint16) * 257)
    assert image.notes == (FROM_COLOUR,)


def test_coloured_ybr_is_noticed() -> None:
    assert COLOURED in render(ybr("YBR_FULL", chroma=220)).notes


def ybr(photometric: str, chroma: int) -> Dataset:
    luminance = gray_levels()
    full = np.stack([luminance, np.full_like(luminance, chroma), np.full_like(luminance, chroma)], axis=-1)
    ds = make_dx(full, photometric=photometric, **EIGHT)
    if photometric == "YBR_FULL_422":
        pairs = luminance.reshape(-1, 2)
        ds.PixelData = np.hstack([pairs, np.full_like(pairs, chroma)]).tobytes()
    return ds


@pytest.mark.parametrize("photometric", ["YBR_FULL_422", "RGB"])
def test_a_colour_jpeg_shows_its_luminance_also_when_it_is_said_to_be_rgb(photometric: str) -> None:
    colours = heat_colours()
    file = io.BytesIO()
    Image.fromarray(colours).save(file, "JPEG", quality=98, subsampling="4:2:2")
    ds = make_dx(colours, photometric=photometric, **EIGHT)
    compress_with(ds, JPEGBaseline8Bit, file.getvalue())

    image = render(ds)

    assert np.abs(image.pixels - colours @ np.array([0.299, 0.587, 0.114]) * 257).mean() < 3 * 257
    assert COLOURED in image.notes


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless, RLELossless], ids=lambda uid: uid.name)
def test_compressed_colour_shows_like_native_colour(syntax: str) -> None:
    native = render(make_dx(heat_colours(), photometric="RGB", **EIGHT))

    image = render(make_dx(heat_colours(), photometric="RGB", transfer_syntax=syntax, **EIGHT))

    assert np.array_equal(image.pixels, native.pixels)


def palette(red: NDArray[Any], green: NDArray[Any], blue: NDArray[Any]) -> dict[str, Any]:
    tables: dict[str, Any] = {}
    for colour, entries in (("Red", red), ("Green", green), ("Blue", blue)):
        tables[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 8 * entries.dtype.itemsize]
        tables[f"{colour}PaletteColorLookupTableData"] = entries.tobytes()
    return tables


@pytest.mark.parametrize("bits", [8, 16])
def test_a_palette_is_looked_up(bits: int) -> None:
    entries: NDArray[Any] = np.arange(256)[::-1].astype(f"u{bits // 8}") * (1 if bits == 8 else 257)

    image = render(make_dx(gray_levels(), photometric="PALETTE COLOR", **EIGHT, **palette(*[entries] * 3)))

    assert np.abs(image.pixels.astype(int) - (255 - gray_levels().astype(int)) * 257).max() <= 1
    assert image.notes == (FROM_COLOUR,)


def test_a_heat_map_with_a_palette_is_noticed_like_the_same_in_rgb() -> None:
    jet = cv2.applyColorMap(np.arange(256, dtype=np.uint8).reshape(-1, 1), cv2.COLORMAP_JET)[:, 0, ::-1]

    image = render(make_dx(gray_levels(), photometric="PALETTE COLOR", **EIGHT, **palette(*jet.T.copy())))

    in_rgb = render(make_dx(heat_colours(), photometric="RGB", **EIGHT))
    assert image.notes == in_rgb.notes == (FROM_COLOUR, COLOURED)
    assert np.array_equal(image.pixels, in_rgb.pixels)
    judged = check_pixels(image)
    assert judged is not None and judged.code == "derived"
