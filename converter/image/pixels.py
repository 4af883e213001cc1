"""From a DICOM data set to the image a reader would see: windowed, MONOCHROME2, square, upright."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.pixels.processing import apply_color_lut

from converter.errors import Undecodable
from converter.image.colour import FROM_COLOUR, brightness, colour_notes, ybr_to_rgb
from converter.image.decode import PIXELS_MAX, StoredFrame, Words, decode_frame
from converter.image.geometry import bring_upright, compose, make_square
from converter.image.gray_image import GrayImage
from converter.image.grayscale import gray_table
from converter.image.header import BROKEN_INPUT

FIRST_FRAME = "the image has several frames: only the first was analysed"


def render(ds: Dataset, frame: int = 0, pixels_max: int = PIXELS_MAX) -> GrayImage:
    """Decode one frame and render it by the grayscale pipeline of PS3.4 N.2.

    Raises Undecodable when the pixel data are absent, corrupt, contradictory or larger than `pixels_max`.
    """
    stored = decode_frame(ds, frame, pixels_max)
    gray, notes = _to_gray(ds, stored)
    square, square_to_source, square_notes = make_square(gray, ds)
    upright, upright_to_square, upright_notes = bring_upright(square, ds)
    frame_notes = (FIRST_FRAME,) if stored.layout.frames > 1 else ()
    return GrayImage(
        pixels=upright,
        source_shape=(stored.layout.rows, stored.layout.columns),
        to_source=compose(square_to_source, upright_to_square),
        notes=(*frame_notes, *notes, *square_notes, *upright_notes),
    )


def _to_gray(ds: Dataset, stored: StoredFrame) -> tuple[NDArray[np.uint16], tuple[str, ...]]:
    if stored.layout.samples == 3:
        return _from_colour(_scaled(stored.words, stored.layout.bits_stored), stored.photometric)
    if stored.photometric == "PALETTE COLOR":
        return _apply(_palette_table(ds, stored), stored), (FROM_COLOUR,)
    table, notes = gray_table(ds, stored)
    return _apply(table, stored), notes


def _apply(table: NDArray[np.uint16], stored: StoredFrame) -> NDArray[np.uint16]:
    """The fast path: one table look-up a pixel."""
    return np.asarray(cv2.LUT(stored.words, table), dtype=np.uint16)


def _scaled(words: Words, bits_stored: int) -> NDArray[np.uint16]:
    """Samples of `bits_stored` bits on the scale 0..65535."""
    levels = np.rint(np.arange(1 << bits_stored) * (65535 / ((1 << bits_stored) - 1))).astype(np.uint16)
    return np.take(levels, words & ((1 << bits_stored) - 1))


def _from_colour(samples: NDArray[np.uint16], photometric: str) -> tuple[NDArray[np.uint16], tuple[str, ...]]:
    if photometric == "RGB":
        return brightness(samples), colour_notes(samples)
    return np.ascontiguousarray(samples[..., 0]), colour_notes(ybr_to_rgb(samples))


def _palette_table(ds: Dataset, stored: StoredFrame) -> NDArray[np.uint16]:
    """The brightness of every palette entry (PS3.3 C.7.6.3.1.5)."""
    words = np.arange(1 << stored.layout.bits_allocated, dtype=np.int64)
    indices = (words >> stored.shift) & ((1 << stored.layout.bits_stored) - 1)
    try:
        colours = apply_color_lut(indices.reshape(1, -1), ds)
    except BROKEN_INPUT as error:
        raise Undecodable("the Palette Color Lookup Tables are absent or unusable") from error
    return brightness(_scaled(colours, 8 * colours.dtype.itemsize)).ravel()
