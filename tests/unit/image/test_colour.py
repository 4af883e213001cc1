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
from tests.support.phantoms import compress_with, draw_chest, make_dx

EIGHT = {"bits_allocated": 8, "bits_stored": 8}


def gray_levels() -> NDArray[np.uint8]:
    return np.rint(draw_chest(160, 136) * 255).astype(np.uint8)


def heat_colours() -> NDArray[np.uint8]:
    return cv2.applyColorMap(gray_levels(), cv2.COLORMAP_JET)[..., ::-1].copy()


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
    deep = np.rint(draw_chest(160, 136) * 65535).astype(np.uint16)

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


@pytest.mark.parametrize("bits", [8, 16])
def test_a_palette_is_looked_up(bits: int) -> None:
    entries: NDArray[Any] = np.arange(256)[::-1].astype(f"u{bits // 8}") * (1 if bits == 8 else 257)
    tables = {}
    for colour in ("Red", "Green", "Blue"):
        tables[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, bits]
        tables[f"{colour}PaletteColorLookupTableData"] = entries.tobytes()

    image = render(make_dx(gray_levels(), photometric="PALETTE COLOR", **EIGHT, **tables))

    assert np.abs(image.pixels.astype(int) - (255 - gray_levels().astype(int)) * 257).max() <= 1
