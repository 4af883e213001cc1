"""The decoder of last resort, GDCM: it is asked where another decoder has refused a codestream.

Its wheel brings an OpenSSL 1.1.1k, which nobody maintains any more and which decoding does not use. Loaded here, it is
mapped in processes that decode one image at a time and have no network, never in the receiver, the worker or the web.
"""

from __future__ import annotations

import importlib
import sys
import zlib  # noqa: F401 - GDCM makes the symbols of its own zlib global: Python's has to be bound before
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.image.pixel_layout import PixelLayout


@cache
def gdcm() -> Any:
    """The module, or None where python-gdcm is not installed."""
    if "gdcm" in sys.modules and sys.modules["gdcm"] is None:  # see converter/__init__.py
        del sys.modules["gdcm"]
    try:
        return importlib.import_module("gdcm")
    except ImportError:
        return None


def decode_by_gdcm(codestream: bytes, precision: int, layout: PixelLayout, syntax_uid: str) -> NDArray[Any]:
    """The frame as [rows, columns] or [rows, columns, samples]; colours as the codestream has them.

    `precision`: bits a sample of the codestream; more than the header's Bits Stored where it is padded.
    Raises ValueError when GDCM refuses the codestream or gives another number of samples.
    """
    module = gdcm()
    fragment, fragments = module.Fragment(), module.SequenceOfFragments.New()
    fragment.SetByteStringValue(codestream)
    fragments.AddFragment(fragment)
    element = module.DataElement(module.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    allocated = 8 if precision <= 8 else 16
    image = module.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((layout.columns, layout.rows, 1))
    image.SetDataElement(element)
    photometric = module.PhotometricInterpretation.GetPIType(layout.photometric)
    image.SetPhotometricInterpretation(module.PhotometricInterpretation(photometric))
    image.SetTransferSyntax(module.TransferSyntax(module.TransferSyntax.GetTSType(syntax_uid)))
    image.SetPixelFormat(module.PixelFormat(layout.samples, allocated, precision, precision - 1, int(layout.signed)))
    # bytes that are no text come as surrogates; where GDCM refuses, it comes with nothing
    data = image.GetBuffer().encode("utf-8", "surrogateescape")
    shape = (layout.rows, layout.columns) + ((layout.samples,) if layout.samples > 1 else ())
    return np.frombuffer(data, f"<{'i' if layout.signed else 'u'}{allocated // 8}").reshape(shape)
