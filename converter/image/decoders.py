"""Calls the decoders of other packages; whatever they raise becomes Undecodable."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from converter.errors import Undecodable
from converter.image.header import BROKEN_INPUT, without_warnings
from converter.image.pixel_layout import PixelLayout
from converter.image.transfer_syntaxes import RLE_LOSSLESS, Decoder, TransferSyntax


def decode_pixels(
    ds: Dataset, codestream: bytes, frame: int, layout: PixelLayout, syntax: TransferSyntax
) -> tuple[NDArray[Any], str]:
    """The pixels by the first decoder of the table that is installed and reads them, and their photometric
    interpretation: a decoder may turn YBR into RGB. Raises Undecodable."""
    refusal: Exception | None = None
    for decoder in decoders_for(syntax, layout.samples):
        try:
            if decoder.is_direct:
                return _by_imagecodecs(decoder, codestream, layout, syntax), layout.photometric
            return decode_by_pydicom(ds, frame, layout, syntax, decoder.name)
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


def decode_by_pydicom(
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


def _by_imagecodecs(decoder: Decoder, codestream: bytes, layout: PixelLayout, syntax: TransferSyntax) -> NDArray[Any]:
    function = _imagecodecs(decoder.name)
    assert function is not None
    with _decoding(layout, syntax.name):
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
