"""From a DICOM data set to the image a reader would see: windowed, MONOCHROME2, square, upright."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.pixels.processing import apply_color_lut

from converter.errors import Undecodable
from converter.image.colour import brightness, colour_notes, to_full_scale, ybr_to_rgb
from converter.image.decode import SidesMin, StoredFrame, decode_frame
from converter.image.geometry import bring_upright, compose, make_square
from converter.image.gray_image import GrayImage
from converter.image.grayscale import gray_table
from converter.image.header import BROKEN_INPUT
from converter.image.pixel_layout import PIXELS_MAX, stated_frames

FIRST_FRAME = "the image has several frames: only the first was analysed"
ONE_FRAME = "Number of Frames in the header is no number of frames: the first one was analysed"
REDUCED = "JPEG 2000 was decoded at 1/{} of its size, as the model package allows"


def render(
    ds: Dataset,
    frame: int = 0,
    pixels_max: int = PIXELS_MAX,
    sides_min: SidesMin | None = None,
    on_decoded: Callable[[StoredFrame], None] = lambda stored: None,
) -> GrayImage:
    """Decode one frame (see `decode_frame`) and render it by the grayscale pipeline of PS3.4 N.2.

    `on_decoded` is shown the stored values, which the rendered image no longer has. Raises Undecodable when the pixel
    data are absent, corrupt, contradictory or larger than `pixels_max`.
    """
    stored = decode_frame(ds, frame, pixels_max, sides_min)
    on_decoded(stored)
    gray, notes = _to_gray(ds, stored)
    square, square_to_source, square_notes = make_square(gray, ds)
    upright, upright_to_square, upright_notes = bring_upright(square, ds)
    step = float(1 << stored.halvings)
    frame_notes: tuple[str, ...] = (FIRST_FRAME,) if stored.layout.frames > 1 else ()
    if "NumberOfFrames" in ds and stated_frames(ds) is None:
        frame_notes += (ONE_FRAME,)
    if stored.halvings:
        frame_notes += (REDUCED.format(1 << stored.halvings),)
    square_to_source = compose(np.array([[step, 0.0, 0.0], [0.0, step, 0.0]]), square_to_source)
    return GrayImage(
        pixels=upright,
        source_shape=(stored.layout.rows, stored.layout.columns),
        to_source=compose(square_to_source, upright_to_square),
        notes=(*frame_notes, *stored.notes, *notes, *square_notes, *upright_notes),
    )


def _to_gray(ds: Dataset, stored: StoredFrame) -> tuple[NDArray[np.uint16], tuple[str, ...]]:
    if stored.layout.samples == 3:
        return _from_colour(to_full_scale(stored.words, stored.layout.bits_stored), stored.photometric)
    if stored.photometric == "PALETTE COLOR":
        return _from_colour(np.take(_palette(ds, stored), stored.words, axis=0), "RGB")
    table, notes = gray_table(ds, stored)
    return np.asarray(cv2.LUT(stored.words, table), dtype=np.uint16), notes  # the fast path: one look-up a pixel


def _from_colour(samples: NDArray[np.uint16], photometric: str) -> tuple[NDArray[np.uint16], tuple[str, ...]]:
    if photometric == "RGB":
        return brightness(samples), colour_notes(samples)
    return np.ascontiguousarray(samples[..., 0]), colour_notes(ybr_to_rgb(samples))


def _palette(ds: Dataset, stored: StoredFrame) -> NDArray[np.uint16]:
    """RGB, 0..65535, of every word that can be stored (PS3.3 C.7.6.3.1.5)."""
    words = np.arange(1 << stored.layout.bits_allocated, dtype=np.int64)
    indices = (words >> stored.shift) & ((1 << stored.layout.bits_stored) - 1)
    try:
        colours = apply_color_lut(indices.reshape(1, -1), ds)
    except BROKEN_INPUT as error:
        raise Undecodable("the Palette Color Lookup Tables are absent or unusable") from error
    return to_full_scale(colours[0], 8 * colours.dtype.itemsize)
