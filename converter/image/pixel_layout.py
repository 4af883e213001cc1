"""What a header announces of its pixels: the Image Pixel attributes, checked before memory is taken for them."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom import Dataset

from converter.errors import Undecodable
from converter.image.header import whole_number, word

PIXELS_MAX = 100_000_000
GRAY = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")
COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")


@dataclass(frozen=True)
class PixelLayout:
    """The Image Pixel attributes (PS3.3 C.7.6.3), checked against each other."""

    rows: int
    columns: int
    frames: int
    samples: int
    photometric: str
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool


def read_layout(ds: Dataset, pixels_max: int = PIXELS_MAX) -> PixelLayout:
    """The layout the header announces. Raises Undecodable when it is incomplete, contradictory or too large."""
    bits_stored = _required(ds, "BitsStored")
    high_bit = whole_number(ds, "HighBit")
    layout = PixelLayout(
        rows=_required(ds, "Rows"),
        columns=_required(ds, "Columns"),
        frames=stated_frames(ds) or 1,
        samples=_required(ds, "SamplesPerPixel"),
        photometric=word(ds, "PhotometricInterpretation"),
        bits_allocated=_required(ds, "BitsAllocated"),
        bits_stored=bits_stored,
        high_bit=bits_stored - 1 if high_bit is None else high_bit,
        signed=whole_number(ds, "PixelRepresentation") == 1,
    )
    _check_layout(layout, pixels_max)
    return layout


def stated_frames(ds: Dataset) -> int | None:
    """Number of Frames, or None when the header states none: 0, a negative number and text state nothing, and what is
    not stated is one frame (PS3.3 C.7.6.6)."""
    frames = whole_number(ds, "NumberOfFrames")
    return frames if frames is not None and frames > 0 else None


def _required(ds: Dataset, keyword: str) -> int:
    number = whole_number(ds, keyword)
    if number is None:
        raise Undecodable(f"{keyword} is missing or no whole number")
    return number


def _check_layout(layout: PixelLayout, pixels_max: int) -> None:
    if layout.rows < 1 or layout.columns < 1:
        raise Undecodable(f"the header announces an image of {layout.columns} x {layout.rows}")
    pixels = layout.rows * layout.columns * layout.frames
    if pixels > pixels_max:
        raise Undecodable(f"the header announces {pixels} pixels, more than the {pixels_max} that are decoded")
    expected = {1: GRAY, 3: COLOUR}.get(layout.samples, ())
    if layout.photometric not in expected:
        photometric = layout.photometric or "(empty)"
        raise Undecodable(f"{layout.samples} samples a pixel and Photometric Interpretation {photometric} do not fit")
    bits = f"Bits Allocated {layout.bits_allocated}, Bits Stored {layout.bits_stored}, High Bit {layout.high_bit}"
    if layout.bits_allocated not in (8, 16):
        raise Undecodable(f"{bits}: only 8 and 16 bits allocated are decoded")
    if not 1 <= layout.bits_stored <= layout.high_bit + 1 <= layout.bits_allocated:
        raise Undecodable(f"{bits} contradict each other")
