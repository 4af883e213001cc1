"""Reads a file from disk: a DICOM data set, or a PNG or JPEG picture as a gray image."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from functools import partial
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
from pydicom.dataset import FileMetaDataset
from pydicom.filereader import read_file_meta_info, read_partial
from pydicom.tag import BaseTag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from converter.errors import Unreadable
from converter.image.bounded_file import HEADER_BYTES_MAX, INFLATED_BYTES_MAX, inflate, open_bounded, open_inflated
from converter.image.colour import brightness, colour_notes, to_full_scale
from converter.image.encoded.damaged_file import ends_early, read_if_damaged
from converter.image.gray_image import GrayImage
from converter.image.header import BROKEN_INPUT, without_warnings
from converter.image.open_file import OpenFile
from converter.image.pixel_layout import PIXELS_MAX

# Values are checked where they are used; pydicom's own warnings would print them, patient data included.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE

Samples = NDArray[np.unsignedinteger[Any]]

PIXEL_DATA = 0x7FE00010
DEFER_BYTES = 65536
ENDS_EARLY = "the file ends early: a part of it is missing, so have it copied or sent again"
BROKEN_PICTURE: tuple[type[Exception], ...] = (*BROKEN_INPUT, cv2.error)
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE = b"\xff\xd8\xff"


def read_image(
    path: Path | OpenFile, pixels_max: int = PIXELS_MAX, inflated_bytes_max: int = INFLATED_BYTES_MAX
) -> Dataset | GrayImage:
    """The data set in `path` (values over 64 KiB are read when they are used), or the picture as a gray image.

    Raises Unreadable. A picture of more than `pixels_max` pixels is refused before it is decoded, a deflated data set
    where it passes `inflated_bytes_max`.
    """
    try:
        with path.open("rb") as file:
            head = file.read(132)
        if head.startswith(PNG_SIGNATURE):
            return _gray_image(_read_png(path.read_bytes(), pixels_max))
        if head.startswith(JPEG_SIGNATURE):
            return _gray_image(_read_jpeg(path.read_bytes(), pixels_max))
        if _starts_like_dicom(head):
            with without_warnings():
                return _read_dicom(path, inflated_bytes_max)
    except BROKEN_PICTURE as error:
        if _is_cut(path, inflated_bytes_max):
            raise Unreadable(ENDS_EARLY) from error
        raise Unreadable(f"the file cannot be read to its end ({type(error).__name__})") from error
    raise Unreadable(_no_beginning(head, "the file is neither DICOM nor PNG nor JPEG"))


def read_header(path: Path | OpenFile) -> Dataset:
    """The data set in `path` up to Pixel Data, which is there but empty: `"PixelData" in ds` tells whether it has any.

    Values over 64 KiB are read when they are used, except those of a deflated file. At most HEADER_BYTES_MAX (64 MiB)
    are read or inflated. Raises Unreadable, for pictures too.
    """
    try:
        with path.open("rb") as file:
            head = file.read(132)
        if _starts_like_dicom(head):
            with without_warnings():
                return _read_dicom_header(path)
    except BROKEN_INPUT as error:
        if _is_cut(path, HEADER_BYTES_MAX):
            raise Unreadable(ENDS_EARLY) from error
        raise Unreadable(f"the header cannot be read ({type(error).__name__})") from error
    raise Unreadable(_no_beginning(head, "the file is not DICOM"))


def _read_dicom(path: Path | OpenFile, inflated_bytes_max: int) -> Dataset:
    def read() -> Dataset:
        if _is_deflated(path):
            return _read_deflated(path, inflated_bytes_max)
        return pydicom.dcmread(_readable(path), defer_size=DEFER_BYTES, force=True)

    return _checked(_damaged_or(read, path, inflated_bytes_max, None), path, inflated_bytes_max)


def _read_dicom_header(path: Path | OpenFile) -> Dataset:
    ds = _damaged_or(partial(_read_header_by_pydicom, path), path, HEADER_BYTES_MAX, DEFER_BYTES)
    return _checked(ds, path, HEADER_BYTES_MAX)


def _damaged_or(
    read: Callable[[], Dataset], path: Path | OpenFile, inflated_bytes_max: int, value_bytes_max: int | None
) -> Dataset:
    """What can be read of a damaged file; `read` is asked for all others, and for its error when nothing can."""
    damaged = read_if_damaged(path, inflated_bytes_max, value_bytes_max)
    if damaged is not None:
        return damaged
    try:
        return read()
    except BROKEN_INPUT:
        damaged = read_if_damaged(path, inflated_bytes_max, value_bytes_max, pydicom_failed=True)
        if damaged is None:
            raise
        return damaged


def _read_header_by_pydicom(path: Path | OpenFile) -> Dataset:
    reached: list[int] = []

    def at_pixels(tag: BaseTag, _vr: str | None, _length: int) -> bool:
        reached.append(tag)
        return int(tag) >= PIXEL_DATA

    ds: Dataset
    if _is_deflated(path):
        meta, start = _deflated_from(path)
        with open_inflated(path, start, _explicit_preamble()) as file:
            ds = _as_deflated(read_partial(file, at_pixels), meta)
    else:
        with open_bounded(path) as file:
            ds = read_partial(file, at_pixels, defer_size=DEFER_BYTES, force=True)
    if reached and reached[-1] == PIXEL_DATA:
        ds.add_new(PIXEL_DATA, "OW", b"")
    return ds


def _checked(ds: Dataset, path: Path | OpenFile, inflated_bytes_max: int) -> Dataset:
    """Of a file that is cut pydicom gives what came before, or nothing: that it is cut is said, and not what is missing
    because of it."""
    if "PixelData" not in ds and ends_early(path, inflated_bytes_max):
        raise Unreadable(ENDS_EARLY)
    if "TransferSyntaxUID" not in ds.file_meta:  # no file meta at all: pydicom has found out how the bytes are written
        implicit, little = ds.original_encoding
        native = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        ds.file_meta.TransferSyntaxUID = native
    if "SOPClassUID" not in ds:
        raise Unreadable("the data set has no SOP Class UID, so it is no DICOM image")
    return ds


def _is_deflated(path: Path | OpenFile) -> bool:
    with path.open("rb") as file:
        head = file.read(133)
    if len(head) < 133 or head[128:132] != b"DICM":
        return False
    return bool(_file_meta(path).get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian)


def _read_deflated(path: Path | OpenFile, bytes_max: int) -> Dataset:
    """Inflate with a bound: pydicom would inflate a few kilobytes to any size."""
    meta, start = _deflated_from(path)
    inflated, is_whole = inflate(path.read_bytes()[start:], bytes_max)
    if not is_whole:
        problem = f"inflates to more than {bytes_max} bytes" if len(inflated) == bytes_max else "ends too early"
        raise Unreadable(f"the deflated data set {problem}")
    return _as_deflated(pydicom.dcmread(io.BytesIO(_explicit_preamble() + inflated)), meta)


def _deflated_from(path: Path | OpenFile) -> tuple[FileMetaDataset, int]:
    """The file meta, and where the deflated bytes begin."""
    meta = _file_meta(path)
    return meta, 132 + 12 + int(meta.FileMetaInformationGroupLength)


def _file_meta(path: Path | OpenFile) -> FileMetaDataset:
    source: Any = path.own_descriptor() if isinstance(path, OpenFile) else path
    return read_file_meta_info(source)


def _readable(path: Path | OpenFile) -> Any:
    return path.reader() if isinstance(path, OpenFile) else path


def _as_deflated(inflated: Dataset, meta: FileMetaDataset) -> Dataset:
    """The data set without the buffer it was read from, with the file meta of its file."""
    ds = Dataset()
    ds.update(inflated)
    ds.file_meta = meta
    ds.set_original_encoding(False, True, ds.get("SpecificCharacterSet"))
    return ds


def _explicit_preamble() -> bytes:
    uid = ExplicitVRLittleEndian.encode().ljust(20, b"\0")
    element = struct.pack("<HH2sH", 2, 0x10, b"UI", len(uid)) + uid
    return bytes(128) + b"DICM" + struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(element)) + element


def _starts_like_dicom(head: bytes) -> bool:
    """A data set without preamble begins with a group 0002 or 0008 element in little endian."""
    return head[128:] == b"DICM" or (len(head) > 8 and head[:2] in (b"\x02\x00", b"\x08\x00") and head[3] == 0)


def _is_cut(path: Path | OpenFile, inflated_bytes_max: int) -> bool:
    """Whether a file that could not be read is DICOM that ends early; not, where it is not there at all."""
    try:
        with path.open("rb") as file:
            head = file.read(132)
        return _starts_like_dicom(head) and ends_early(path, inflated_bytes_max)
    except OSError:
        return False


def _no_beginning(head: bytes, reason: str) -> str:
    """A preamble is zeros before DICM (PS3.10 7.1): where no more than a part of it is left, the file is cut."""
    is_cut = not head[:128].strip(b"\0") and b"DICM".startswith(head[128:])
    return ENDS_EARLY if is_cut else reason


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


def _to_16_bit(pixels: Samples) -> tuple[NDArray[np.uint16], tuple[str, ...]]:
    """Samples on the scale 0..65535. What is stored in 16 bits may use fewer: a 12-bit film would look black."""
    samples = np.ascontiguousarray(pixels, dtype=np.uint16)
    bits = 8 if pixels.dtype == np.uint8 else max(8, int(samples.max()).bit_length())
    notes = (f"16-bit PNG that uses {bits} bits: scaled to these",) if pixels.dtype != np.uint8 and bits < 16 else ()
    return to_full_scale(samples, bits), notes


def _gray_image(pixels: Samples) -> GrayImage:
    samples, notes = _to_16_bit(pixels)
    rows, columns = samples.shape[:2]
    if samples.ndim == 2:
        return GrayImage(samples, source_shape=(rows, columns), notes=notes)
    return GrayImage(brightness(samples), source_shape=(rows, columns), notes=(*colour_notes(samples), *notes))
