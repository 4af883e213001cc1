"""Decodes one stored frame of a data set. Header, data and codestream must agree before any decoder runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import UID

from converter.errors import Undecodable
from converter.image import reduced
from converter.image.codestream import read_codestream_header
from converter.image.codestream_end import CodestreamEnding, endings
from converter.image.decoders import Decoded, Encoded, decode_native, decode_pixels
from converter.image.fragments import encoded_frame
from converter.image.header import value, whole_number
from converter.image.pixel_layout import PIXELS_MAX, PixelLayout, read_layout
from converter.image.transfer_syntaxes import RLE_LOSSLESS, TransferSyntax, transfer_syntax

Words = NDArray[np.unsignedinteger[Any]]


@dataclass(frozen=True)
class StoredFrame:
    """One decoded frame.

    words: unsigned words as allocated, [rows, columns] or [rows, columns, 3]. The stored values are the `bits_stored`
    bits from bit `shift` upwards. photometric: that of the words, because a decoder may turn YBR into RGB. halvings:
    how often decoding halved the sides; pixel n of a row then stands where pixel n * 2**halvings of the frame is.
    notes: what was mended, and which decoder read it where the first one did not.
    """

    words: Words
    layout: PixelLayout
    photometric: str
    shift: int
    halvings: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SidesMin:
    """How small a frame may become in decoding: its shorter and its longer side."""

    shorter: int
    longer: int

    def halvings(self, layout: PixelLayout) -> int:
        """How often the sides of a gray, unsigned frame can be halved; 0 for any other."""
        if layout.samples != 1 or layout.signed:
            return 0
        count, sides = 0, sorted((layout.rows, layout.columns))
        while sides[0] >> count + 1 >= self.shorter and sides[1] >> count + 1 >= self.longer:
            count += 1
        return count


def decode_frame(
    ds: Dataset, frame: int = 0, pixels_max: int = PIXELS_MAX, sides_min: SidesMin | None = None
) -> StoredFrame:
    """Frame `frame` (from 0) of the pixel data. Raises Undecodable, whatever is wrong with it.

    `sides_min`: gray JPEG 2000 is decoded at a half, a quarter, ... of its size, but not below these sides.
    """
    layout = read_layout(ds, pixels_max)
    syntax = _syntax(ds)
    if not 0 <= frame < layout.frames:
        raise Undecodable(f"frame {frame + 1} was asked for, the image has {layout.frames}")
    data = value(ds, "PixelData")
    if not isinstance(data, bytes):
        raise Undecodable("the object has no Pixel Data")
    if syntax.encapsulated:
        return _encapsulated_frame(ds, data, frame, layout, syntax, sides_min)
    _check_length(data, layout)
    planar, vr = whole_number(ds, "PlanarConfiguration") or 0, str(ds.get_item("PixelData").VR)
    pixels = decode_native(data, frame, layout, syntax, planar, vr)
    shift = layout.high_bit + 1 - layout.bits_stored
    return StoredFrame(_as_words(pixels, layout), layout, layout.photometric, shift)


def _encapsulated_frame(
    ds: Dataset, data: bytes, frame: int, layout: PixelLayout, syntax: TransferSyntax, sides_min: SidesMin | None
) -> StoredFrame:
    encoded = checked_codestream(ds, data, frame, layout, syntax)
    halvings = sides_min.halvings(layout) if sides_min and syntax.uid in reduced.SYNTAXES else 0
    whole = encoded.endings[0]
    smaller = reduced.decode(whole.codestream, encoded.precision, halvings) if halvings else None
    if smaller is None:
        halvings = 0
        decoded = decode_pixels(encoded, layout, syntax)
    else:
        decoded = Decoded(smaller, layout.photometric, whole.notes)
    pixels = decoded.pixels
    if not syntax.lossless and encoded.precision > layout.high_bit + 1 and not layout.signed:
        # the loss may carry a value over the end of the scale, where masking would turn white into black
        pixels = np.minimum(pixels, (1 << layout.high_bit + 1) - 1)
    kept_in_place = syntax.uid == RLE_LOSSLESS or encoded.precision > layout.high_bit
    shift = layout.high_bit + 1 - layout.bits_stored if kept_in_place else 0
    return StoredFrame(_as_words(pixels, layout), layout, decoded.photometric, shift, halvings, decoded.notes)


def _syntax(ds: Dataset) -> TransferSyntax:
    uid = str(value(getattr(ds, "file_meta", Dataset()), "TransferSyntaxUID") or "")
    syntax = transfer_syntax(uid)
    if syntax is None:
        raise Undecodable(f"no decoder for transfer syntax {UID(uid).name or '(none)'}")
    return syntax


def _check_length(data: bytes, layout: PixelLayout) -> None:
    """Native pixel data must hold every frame (PS3.5 8.1.1, A.1); a tail of padding is tolerated."""
    samples: float = 2 if layout.photometric == "YBR_FULL_422" else layout.samples
    needed = math.ceil(layout.rows * layout.columns * layout.frames * samples * layout.bits_allocated / 8)
    if len(data) < needed:
        raise Undecodable(f"Pixel Data has {len(data)} bytes where the header announces {needed}")


def checked_codestream(ds: Dataset, data: bytes, frame: int, layout: PixelLayout, syntax: TransferSyntax) -> Encoded:
    """The codestream of a frame, its own header compared with the data set's before a decoder takes memory for it."""
    codestream = encoded_frame(ds, data, frame, layout.frames)
    if syntax.uid == RLE_LOSSLESS:
        return Encoded((CodestreamEnding(codestream),), precision=0)
    header = read_codestream_header(codestream)
    if header is None:
        raise Undecodable(f"the Pixel Data is no {syntax.name} codestream")
    if (header.rows, header.columns, header.samples) != (layout.rows, layout.columns, layout.samples):
        found = f"{header.columns} x {header.rows} x {header.samples}"
        announced = f"{layout.columns} x {layout.rows} x {layout.samples}"
        raise Undecodable(f"the codestream holds {found} samples where the header announces {announced}")
    if header.precision > layout.bits_allocated:
        raise Undecodable(f"the codestream has {header.precision} bits a sample in {layout.bits_allocated} allocated")
    forms = endings(codestream)
    if not forms:
        raise Undecodable(f"the {syntax.name} codestream ends too early")
    return Encoded(forms, header.precision)


def _as_words(pixels: NDArray[Any], layout: PixelLayout) -> Words:
    """Unsigned words as allocated; a codestream of few bits may have been decoded into smaller ones."""
    allocated = layout.bits_allocated // 8
    if pixels.dtype.itemsize != allocated:
        pixels = pixels.astype(np.dtype(f"{pixels.dtype.kind}{allocated}"))
    words = np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("="))
    return words.view(np.uint8 if allocated == 1 else np.uint16)
