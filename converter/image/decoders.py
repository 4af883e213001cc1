"""Calls the decoders of other packages, one after the other; whatever they raise becomes Undecodable."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from converter.errors import Undecodable
from converter.image.codestream_end import CodestreamEnding
from converter.image.filled_up import is_filled_up
from converter.image.gdcm import decode_by_gdcm, gdcm
from converter.image.header import BROKEN_INPUT, without_warnings
from converter.image.pixel_layout import PixelLayout
from converter.image.transfer_syntaxes import (
    GDCM_PACKAGE,
    IMAGECODECS,
    RLE_LOSSLESS,
    TRANSFER_SYNTAXES,
    Decoder,
    TransferSyntax,
)

JPEG_SYNTAXES = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 57, 70))
OTHER_DECODER = "the first decoder refused the {} codestream: {} read it"


@dataclass(frozen=True)
class Encoded:
    """One frame as it is stored. `precision`: bits a sample by the codestream, 0 for RLE, which does not say.
    `endings`: its forms in the order in which they are tried."""

    endings: tuple[CodestreamEnding, ...]
    precision: int


@dataclass(frozen=True)
class Decoded:
    """`photometric`: that of the pixels, because a decoder may turn YBR into RGB. notes: which decoder, what form."""

    pixels: NDArray[Any]
    photometric: str
    notes: tuple[str, ...] = ()


def decode_pixels(encoded: Encoded, layout: PixelLayout, syntax: TransferSyntax) -> Decoded:
    """The pixels by the first decoder of the table that is installed, reads them and has not invented any of them.

    Raises Undecodable, also where the codestream ends too early for every decoder.
    """
    refusal: Exception | None = None
    first = True
    for decoder in syntax.decoders:
        if (layout.samples > 1 and not decoder.colour) or not is_installed(decoder):
            continue
        for ending in encoded.endings:
            if decoder.strict or ending.proven or syntax.uid in JPEG_SYNTAXES:
                try:
                    decoded = _decode(ending, encoded.precision, decoder, layout, syntax)
                except Undecodable as error:
                    if isinstance(error.__cause__, MemoryError):
                        raise
                    refusal = refusal or error
                else:
                    other = () if first else (OTHER_DECODER.format(syntax.name, decoder.package),)
                    return Decoded(decoded.pixels, decoded.photometric, (*ending.notes, *other))
        if refusal is not None and syntax.uid == RLE_LOSSLESS:
            break  # the other one takes what the first has found to be damaged; it stands in where that is missing
        first = False
    raise refusal or Undecodable(f"no decoder of this installation reads {syntax.name} in {layout.samples} samples")


def load_decoders() -> None:
    """Load every decoder that is installed, now: a process that may open no file any more cannot load one later."""
    for syntax in TRANSFER_SYNTAXES:
        get_decoder(UID(syntax.uid)).is_available  # noqa: B018 - asking loads the modules
        for decoder in syntax.decoders:
            is_installed(decoder)


def is_installed(decoder: Decoder) -> bool:
    if decoder.package == IMAGECODECS:
        return _imagecodecs(decoder.name) is not None
    return decoder.package != GDCM_PACKAGE or gdcm() is not None


def decode_native(
    data: bytes, frame: int, layout: PixelLayout, syntax: TransferSyntax, planar: int, pixel_vr: str
) -> NDArray[Any]:
    """Frame `frame` (from 0) of native pixel data. `pixel_vr`: OB or OW, which tells the byte order of 8-bit pixels."""
    options = {**_options(layout), "planar_configuration": planar, "pixel_vr": pixel_vr}
    with _decoding(layout, syntax.name):
        view_only = layout.photometric != "YBR_FULL_422"
        return _pydicom(
            syntax.uid, data, {**options, "number_of_frames": layout.frames, "view_only": view_only}, frame
        )[0]


def _decode(
    ending: CodestreamEnding, precision: int, decoder: Decoder, layout: PixelLayout, syntax: TransferSyntax
) -> Decoded:
    photometric = layout.photometric

    def pixels_of(codestream: bytes) -> NDArray[Any]:
        nonlocal photometric
        with _decoding(layout, syntax.name):
            if decoder.package == IMAGECODECS:
                return _by_imagecodecs(decoder, codestream, layout, syntax)
            if decoder.package == GDCM_PACKAGE:
                return decode_by_gdcm(codestream, precision, layout, syntax.uid)
            options = {**_options(layout), "number_of_frames": 1, "decoding_plugin": decoder.name}
            pixels, photometric = _pydicom(syntax.uid, encapsulate([codestream]), options)
            return pixels

    pixels = pixels_of(ending.codestream)
    if not decoder.strict and syntax.uid in JPEG_SYNTAXES:
        mended = bool(ending.notes)
        if is_filled_up(ending.codestream, pixels, pixels_of, certainly_ask=mended):
            raise Undecodable(f"the {syntax.name} codestream ends too early")
    return Decoded(pixels, photometric)


def _options(layout: PixelLayout) -> dict[str, Any]:
    """What pydicom's decoders have to know of the image, from a layout that has been checked."""
    return {
        "rows": layout.rows,
        "columns": layout.columns,
        "samples_per_pixel": layout.samples,
        "photometric_interpretation": layout.photometric,
        "bits_allocated": layout.bits_allocated,
        "bits_stored": layout.bits_stored,
        "pixel_representation": int(layout.signed),
        "pixel_keyword": "PixelData",
        "correct_unused_bits": False,
    }


def _pydicom(uid: str, data: bytes, options: dict[str, Any], frame: int = 0) -> tuple[NDArray[Any], str]:
    pixels, described = get_decoder(UID(uid)).as_array(data, index=frame, raw=True, validate=False, **options)
    return pixels, str(described["photometric_interpretation"])


def _by_imagecodecs(decoder: Decoder, codestream: bytes, layout: PixelLayout, syntax: TransferSyntax) -> NDArray[Any]:
    function = _imagecodecs(decoder.name)
    assert function is not None
    pixels: NDArray[Any]
    if syntax.uid == RLE_LOSSLESS:  # which says neither how wide nor how high it is
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
