"""Encoders for every encapsulated transfer syntax, and decoders beside those of the node: second opinions."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.encaps import get_frame
from pydicom.uid import (
    JPEG2000,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from tests.support.dicom.phantoms import compress_with, make_dx
from tests.support.dicom.reference import stored_values
from tests.support.peers.dcmtk import program

HTJ2K = UID("1.2.840.10008.1.2.4.203")
# Options of pydicom's encoders. Its first choice, GDCM, aborts the process on RLE of an odd number of bytes.
OPTIONS: dict[str, dict[str, Any]] = {
    RLELossless: {"encoding_plugin": "pylibjpeg"},
    JPEGLSLossless: {"encoding_plugin": "pyjpegls"},
    JPEGLSNearLossless: {"encoding_plugin": "pyjpegls", "jls_error": 2},
    JPEG2000Lossless: {"encoding_plugin": "pylibjpeg"},
    JPEG2000: {"encoding_plugin": "pylibjpeg", "j2k_psnr": [80]},
}


def encoded(pixels: NDArray[Any], uid: str, bits_stored: int, **attributes: Any) -> Dataset:
    """A DX with `pixels` ([rows, columns], or [rows, columns, 3] for RGB) in the syntax `uid`."""
    attributes |= {
        "bits_allocated": 8 * pixels.dtype.itemsize,
        "bits_stored": bits_stored,
        "signed": pixels.dtype.kind == "i",
    }
    ds = make_dx(pixels, **attributes)
    if uid not in ENCODERS:
        ds.compress(UID(uid), generate_instance_uid=False, **OPTIONS[uid])
        return ds
    words = pixels.view(f"u{pixels.dtype.itemsize}") & np.array((1 << bits_stored) - 1, f"u{pixels.dtype.itemsize}")
    compress_with(ds, UID(uid), ENCODERS[uid](words, bits_stored))
    return ds


# JPEG Lossless knows no sign: the words are encoded as they are stored (PS3.5 8.2.1).
ENCODERS: dict[str, Callable[[NDArray[Any], int], bytes | bytearray]] = {
    JPEGBaseline8Bit: lambda words, _: imagecodecs.jpeg8_encode(words, level=95),
    JPEGExtended12Bit: lambda words, _: imagecodecs.jpeg8_encode(words, level=95, bitspersample=12),
    JPEGLossless: lambda words, bits: imagecodecs.jpeg8_encode(words, lossless=True, predictor=4, bitspersample=bits),
    JPEGLosslessSV1: lambda words, bits: imagecodecs.jpeg8_encode(
        words, lossless=True, predictor=1, bitspersample=bits
    ),
    HTJ2KLossless: lambda words, _: imagecodecs.htj2k_encode(words),
    HTJ2KLosslessRPCL: lambda words, _: imagecodecs.htj2k_encode(words, tlm=True),
    HTJ2K: lambda words, _: imagecodecs.htj2k_encode(words, 1e-5, reversible=False),
}


def codestream_of(ds: Dataset) -> bytes:
    return get_frame(ds.PixelData, 0, number_of_frames=1)


def by_dcmdjpeg(ds: Dataset) -> NDArray[Any]:
    """By DCMTK, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "encoded.dcm"), Path(folder, "native.dcm")
        ds.save_as(source, enforce_file_format=True)
        subprocess.run([program("dcmdjpeg"), str(source), str(target)], check=True, capture_output=True, timeout=60)
        native = pydicom.dcmread(target)
        # not pixel_array, which masks what the loss has carried over the end of the scale
        return np.frombuffer(native.PixelData, f"<u{native.BitsAllocated // 8}").reshape(native.Rows, native.Columns)


def _plugin(name: str) -> Callable[[Dataset], NDArray[Any]]:
    return lambda ds: stored_values(ds, name)


def _imagecodecs(name: str) -> Callable[[Dataset], NDArray[Any]]:
    return lambda ds: np.asarray(getattr(imagecodecs, f"{name}_decode")(codestream_of(ds)))


_OPENJPEG = {"pillow": _plugin("pillow")}
_LOSSLESS_JPEG = {"imagecodecs.ljpeg": _imagecodecs("ljpeg"), "imagecodecs.jpegsof3": _imagecodecs("jpegsof3")}
# Decoders that are not in the table of the node, by transfer syntax.
OTHER_DECODERS: dict[str, dict[str, Callable[[Dataset], NDArray[Any]]]] = {
    RLELossless: {"pydicom": _plugin("pydicom")},
    JPEGBaseline8Bit: {},
    JPEGExtended12Bit: {"dcmdjpeg": by_dcmdjpeg},
    JPEGLossless: _LOSSLESS_JPEG,
    JPEGLosslessSV1: _LOSSLESS_JPEG,
    JPEGLSLossless: {},
    JPEGLSNearLossless: {},
    JPEG2000Lossless: _OPENJPEG,
    JPEG2000: _OPENJPEG,
    HTJ2KLossless: {"imagecodecs.jpeg2k": _imagecodecs("jpeg2k")},
    HTJ2KLosslessRPCL: {"imagecodecs.jpeg2k": _imagecodecs("jpeg2k")},
    HTJ2K: {},
}
