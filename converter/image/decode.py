"""Takes one stored frame out of a data set: every lie of the header is found before anything is allocated."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from converter.errors import Undecodable
from converter.image import reduced
from converter.image.codestream import is_complete, read_codestream_header
from converter.image.header import BROKEN_INPUT, value, whole_number, without_warnings, word
from converter.image.transfer_syntaxes import Decoder, TransferSyntax, transfer_syntax

PIXELS_MAX = 100_000_000
RLE = "1.2.840.10008.1.2.5"
GRAY = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")
COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")


Words = NDArray[np.unsignedinteger[Any]]


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


@dataclass(frozen=True)
class StoredFrame:
    """`words`: unsigned words as allocated, [rows, columns] or [rows, columns, 3]; stored values are the `bits_stored`
    bits from `shift` upwards. `photometric` is that of the words: a decoder may have turned YBR into RGB. `halvings`:
    how often the sides were halved in decoding; word n then lies at the place of word n * 2**halvings.
    """

    words: Words
    layout: PixelLayout
    photometric: str
    shift: int
    halvings: int = 0


@dataclass(frozen=True)
class SidesMin:
    """How small a frame may become in decoding: its shorter and its longer side."""

    shorter: int
    longer: int

    def halvings(self, layout: PixelLayout) -> int:
        if layout.samples != 1 or layout.signed:
            return 0
        count, sides = 0, sorted((layout.rows, layout.columns))
        while sides[0] >> count + 1 >= self.shorter and sides[1] >> count + 1 >= self.longer:
            count += 1
        return count


def read_layout(ds: Dataset, pixels_max: int = PIXELS_MAX) -> PixelLayout:
    """The layout the header announces. Raises Undecodable when it is incomplete, contradictory or too large."""
    bits_stored = _required(ds, "BitsStored")
    high_bit = whole_number(ds, "HighBit")
    frames = whole_number(ds, "NumberOfFrames")
    layout = PixelLayout(
        rows=_required(ds, "Rows"),
        columns=_required(ds, "Columns"),
        frames=1 if frames is None else frames,
        samples=_required(ds, "SamplesPerPixel"),
        photometric=word(ds, "PhotometricInterpretation"),
        bits_allocated=_required(ds, "BitsAllocated"),
        bits_stored=bits_stored,
        high_bit=bits_stored - 1 if high_bit is None else high_bit,
        signed=whole_number(ds, "PixelRepresentation") == 1,
    )
    _check_layout(layout, pixels_max)
    return layout


def decode_frame(
    ds: Dataset, frame: int = 0, pixels_max: int = PIXELS_MAX, sides_min: SidesMin | None = None
) -> StoredFrame:
    """Frame `frame` (from 0) of the pixel data. Raises Undecodable, whatever is wrong with it.

    `sides_min`: gray JPEG 2000 is decoded at a half, a quarter, ... of its size, as long as it is no smaller than that.
    """
    layout = read_layout(ds, pixels_max)
    syntax = _syntax(ds)
    if not 0 <= frame < layout.frames:
        raise Undecodable(f"frame {frame + 1} was asked for, the image has {layout.frames}")
    data = value(ds, "PixelData")
    if not isinstance(data, bytes):
        raise Undecodable("the object has no Pixel Data")
    if not syntax.encapsulated:
        _check_length(data, layout)
        pixels, photometric = _by_pydicom(ds, frame, layout, syntax)
        return StoredFrame(_as_words(pixels, layout), layout, photometric, layout.high_bit + 1 - layout.bits_stored)
    codestream, precision = _checked_codestream(ds, data, frame, layout, syntax)
    halvings = sides_min.halvings(layout) if sides_min and syntax.uid in reduced.SYNTAXES else 0
    smaller = reduced.decode(codestream, precision, halvings) if halvings else None
    if smaller is None:
        halvings = 0
        pixels, photometric = _decode(ds, codestream, frame, layout, syntax)
    else:
        pixels, photometric = smaller, layout.photometric
    if not syntax.lossless and precision > layout.high_bit + 1 and not layout.signed:
        # the loss may carry a value over the end of the scale, where masking would turn white into black
        pixels = np.minimum(pixels, (1 << layout.high_bit + 1) - 1)
    kept_in_place = syntax.uid == RLE or precision > layout.high_bit
    shift = layout.high_bit + 1 - layout.bits_stored if kept_in_place else 0
    return StoredFrame(_as_words(pixels, layout), layout, photometric, shift, halvings)


def _required(ds: Dataset, keyword: str) -> int:
    number = whole_number(ds, keyword)
    if number is None:
        raise Undecodable(f"{keyword} is missing or no whole number")
    return number


def _check_layout(layout: PixelLayout, pixels_max: int) -> None:
    if layout.rows < 1 or layout.columns < 1 or layout.frames < 1:
        size = f"{layout.columns} x {layout.rows}, {layout.frames} frames"
        raise Undecodable(f"the header announces an image of {size}")
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


def _checked_codestream(
    ds: Dataset, data: bytes, frame: int, layout: PixelLayout, syntax: TransferSyntax
) -> tuple[bytes, int]:
    """The codestream, its own header compared with the data set's, and its sample precision (0 for RLE)."""
    try:
        with without_warnings():
            codestream = get_frame(data, frame, number_of_frames=layout.frames, extended_offsets=_offsets(ds))
    except BROKEN_INPUT as error:
        raise Undecodable(f"the encapsulated Pixel Data holds no frame {frame + 1}") from error
    if syntax.uid == RLE:
        return codestream, 0
    header = read_codestream_header(codestream)
    if header is None:
        raise Undecodable(f"the Pixel Data is no {syntax.name} codestream")
    if (header.rows, header.columns, header.samples) != (layout.rows, layout.columns, layout.samples):
        found = f"{header.columns} x {header.rows} x {header.samples}"
        announced = f"{layout.columns} x {layout.rows} x {layout.samples}"
        raise Undecodable(f"the codestream holds {found} samples where the header announces {announced}")
    if header.precision > layout.bits_allocated:
        raise Undecodable(f"the codestream has {header.precision} bits a sample in {layout.bits_allocated} allocated")
    if not is_complete(codestream):
        raise Undecodable(f"the {syntax.name} codestream ends too early")
    return codestream, header.precision


def _offsets(ds: Dataset) -> tuple[bytes, bytes] | None:
    """Extended Offset Table and lengths (PS3.3 C.7.6.3.1.8)."""
    offsets, lengths = value(ds, "ExtendedOffsetTable"), value(ds, "ExtendedOffsetTableLengths")
    return (offsets, lengths) if isinstance(offsets, bytes) and isinstance(lengths, bytes) else None


def _decode(
    ds: Dataset, codestream: bytes, frame: int, layout: PixelLayout, syntax: TransferSyntax
) -> tuple[NDArray[Any], str]:
    """By the first decoder of the table that is installed and does not refuse."""
    refusal: Exception | None = None
    for decoder in decoders_for(syntax, layout.samples):
        try:
            if decoder.is_direct:
                return _by_imagecodecs(decoder, codestream, layout, syntax), layout.photometric
            return _by_pydicom(ds, frame, layout, syntax, decoder.name)
        except Undecodable as error:
            if isinstance(error.__cause__, MemoryError):
                raise
            refusal = error
    raise refusal or Undecodable(f"no decoder of this installation reads {syntax.name} in {layout.samples} samples")


def decoders_for(syntax: TransferSyntax, samples: int) -> tuple[Decoder, ...]:
    """The installed decoders of `syntax` for frames of `samples` samples a pixel, in the order of the table."""
    return tuple(
        decoder
        for decoder in syntax.decoders
        if not decoder.is_direct or (samples == 1 and _imagecodecs(decoder.name) is not None)
    )


def _by_imagecodecs(decoder: Decoder, codestream: bytes, layout: PixelLayout, syntax: TransferSyntax) -> NDArray[Any]:
    function = _imagecodecs(decoder.name)
    assert function is not None
    with _decoding(layout, syntax.name):
        pixels: NDArray[Any]
        if syntax.uid == RLE:  # which says neither how wide nor how high it is
            dtype = f"<u{layout.bits_allocated // 8}"
            pixels = np.frombuffer(function(codestream, dtype), dtype).reshape(layout.rows, layout.columns)
        else:
            pixels = np.asarray(function(codestream))
        if pixels.shape != (layout.rows, layout.columns):
            raise ValueError(f"the decoder made {pixels.shape}")
        return pixels


@cache
def _imagecodecs(name: str) -> Callable[..., Any] | None:
    """The decoding function, or None where the package or the codec in it is missing."""
    if importlib.util.find_spec("imagecodecs") is None:
        return None
    import imagecodecs  # loaded when it is first needed: a child that only sees native pixels never pays for it

    return getattr(imagecodecs, f"{name}_decode", None) if getattr(imagecodecs, name.upper()).available else None


def _by_pydicom(
    ds: Dataset, frame: int, layout: PixelLayout, syntax: TransferSyntax, plugin: str = ""
) -> tuple[NDArray[Any], str]:
    options: dict[str, Any] = {"correct_unused_bits": False, "number_of_frames": layout.frames}
    if not syntax.encapsulated:
        options["view_only"] = layout.photometric != "YBR_FULL_422"
    with _decoding(layout, syntax.name):
        pixels, described = get_decoder(UID(syntax.uid)).as_array(
            ds, index=frame, raw=True, validate=False, decoding_plugin=plugin, **options
        )
        return pixels, str(described["photometric_interpretation"])


@contextmanager
def _decoding(layout: PixelLayout, name: str) -> Iterator[None]:
    """Whatever a decoder raises becomes Undecodable; what it warns of goes nowhere."""
    try:
        with without_warnings():
            yield
    except MemoryError as error:
        raise Undecodable(f"decoding {layout.columns} x {layout.rows} pixels needs more memory than allowed") from error
    except BROKEN_INPUT as error:
        raise Undecodable(f"the {name} Pixel Data is corrupt or not what the header says") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # a panic of Rust code (RLE) is no Exception and has no module
            raise
        raise Undecodable(f"the {name} Pixel Data is corrupt") from error


def _as_words(pixels: NDArray[Any], layout: PixelLayout) -> Words:
    """Unsigned words as allocated; a codestream of few bits may have been decoded into smaller ones."""
    allocated = layout.bits_allocated // 8
    if pixels.dtype.itemsize != allocated:
        pixels = pixels.astype(np.dtype(f"{pixels.dtype.kind}{allocated}"))
    words = np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("="))
    return words.view(np.uint8 if allocated == 1 else np.uint16)
