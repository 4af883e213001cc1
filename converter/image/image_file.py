"""Reads a file from disk: a DICOM data set, or a PNG or JPEG picture as a gray image."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import ImageOps
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from pydicom import Dataset
from pydicom.filereader import read_file_meta_info
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from converter.errors import Unreadable
from converter.image.colour import brightness, colour_notes
from converter.image.decode import PIXELS_MAX
from converter.image.gray_image import GrayImage
from converter.image.header import BROKEN_INPUT, without_warnings

# Values are checked where they are used; pydicom's own warnings would print them, patient data included.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE

Samples = NDArray[np.unsignedinteger[Any]]

DEFER_BYTES = 65536
INFLATED_BYTES_MAX = 1 << 30
BROKEN_PICTURE: tuple[type[Exception], ...] = (*BROKEN_INPUT, cv2.error)
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE = b"\xff\xd8\xff"


def read_image(path: Path, pixels_max: int = PIXELS_MAX) -> Dataset | GrayImage:
    """The data set in `path` (values over 64 KiB are read when they are used), or the picture as a gray image.

    Raises Unreadable. A picture of more than `pixels_max` pixels is refused before it is decoded.
    """
    try:
        with path.open("rb") as file:
            head = file.read(132)
        if head.startswith(PNG_SIGNATURE):
            return _gray_image(_read_png(path.read_bytes(), pixels_max))
        if head.startswith(JPEG_SIGNATURE):
            return _gray_image(_read_jpeg(path.read_bytes(), pixels_max))
        if head[128:] == b"DICM" or _starts_like_a_data_set(head):
            with without_warnings():
                return _read_dicom(path)
    except BROKEN_PICTURE as error:
        raise Unreadable(f"the file cannot be read to its end ({type(error).__name__})") from error
    raise Unreadable("the file is neither DICOM nor PNG nor JPEG")


def _read_dicom(path: Path) -> Dataset:
    ds: Dataset
    if path.stat().st_size > 132 and _is_deflated(path):
        ds = _read_deflated(path)
    else:
        ds = pydicom.dcmread(path, defer_size=DEFER_BYTES, force=True)
    if "TransferSyntaxUID" not in ds.file_meta:  # no file meta at all: pydicom has found out how the bytes are written
        implicit, little = ds.original_encoding
        native = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        ds.file_meta.TransferSyntaxUID = native
    if "SOPClassUID" not in ds:
        raise Unreadable("the data set has no SOP Class UID, so it is no DICOM image")
    return ds


def _is_deflated(path: Path) -> bool:
    with path.open("rb") as file:
        if file.read(132)[128:] != b"DICM":
            return False
    return bool(read_file_meta_info(path).get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian)


def _read_deflated(path: Path) -> Dataset:
    """Inflate with a bound (PS3.5 A.5): pydicom would inflate a few kilobytes to any size."""
    meta = read_file_meta_info(path)
    data = path.read_bytes()
    start = 132 + 12 + int(meta.FileMetaInformationGroupLength)
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = inflate.decompress(data[start:], INFLATED_BYTES_MAX)
    if not inflate.eof:
        problem = "inflates to more than 1 GiB" if inflate.unconsumed_tail else "ends too early"
        raise Unreadable(f"the deflated data set {problem}")
    ds = pydicom.Dataset()
    ds.update(pydicom.dcmread(io.BytesIO(_explicit_preamble() + inflated)))
    ds.file_meta = meta
    ds.set_original_encoding(False, True, ds.get("SpecificCharacterSet"))
    return ds


def _explicit_preamble() -> bytes:
    uid = ExplicitVRLittleEndian.encode().ljust(20, b"\0")
    element = struct.pack("<HH2sH", 2, 0x10, b"UI", len(uid)) + uid
    return bytes(128) + b"DICM" + struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(element)) + element


def _starts_like_a_data_set(head: bytes) -> bool:
    """A data set without preamble begins with a group 0002 or 0008 element in little endian."""
    return len(head) > 8 and head[:2] in (b"\x02\x00", b"\x08\x00") and head[3] == 0


def _read_png(data: bytes, pixels_max: int) -> Samples:
    header = PngImageFile(io.BytesIO(data))
    _check_size(header.size, pixels_max)
    header.verify()  # every chunk and its checksum: OpenCV would paint what is missing
    as_stored = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR
    pixels: Any = cv2.imdecode(np.frombuffer(data, np.uint8), as_stored)
    if pixels is None:
        raise Unreadable("the PNG file cannot be decoded")
    samples: Samples = np.asarray(pixels)
    return samples[..., ::-1] if samples.ndim == 3 else samples


def _read_jpeg(data: bytes, pixels_max: int) -> Samples:
    picture = JpegImageFile(io.BytesIO(data))
    _check_size(picture.size, pixels_max)
    upright = ImageOps.exif_transpose(picture)
    return np.asarray(upright if upright.mode in ("L", "RGB") else upright.convert("RGB"))


def _check_size(size: tuple[int, int], pixels_max: int) -> None:
    if size[0] * size[1] > pixels_max:
        raise Unreadable(f"the picture has {size[0]} x {size[1]} pixels, more than the {pixels_max} allowed")


def _to_16_bit(pixels: Samples) -> NDArray[np.uint16]:
    gray = np.ascontiguousarray(pixels, dtype=np.uint16)
    return gray * np.uint16(257) if pixels.dtype == np.uint8 else gray


def _gray_image(pixels: Samples) -> GrayImage:
    samples = _to_16_bit(pixels)
    rows, columns = samples.shape[:2]
    if samples.ndim == 2:
        return GrayImage(samples, source_shape=(rows, columns))
    return GrayImage(brightness(samples), source_shape=(rows, columns), notes=colour_notes(samples))
