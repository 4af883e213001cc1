"""Reads a DICOM file of which pydicom would understand less than is there; leaves all others to pydicom."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from pydicom.dataset import FileMetaDataset
from pydicom.filereader import read_file_meta_info
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from converter.image.encoded.byte_source import BufferedSource, InflatedSource
from converter.image.encoded.damaged_dataset import DamagedDataset, damaged_dataset
from converter.image.encoded.headers import VRS
from converter.image.encoded.plausible import Derailed, EndsEarly, TooManyElements
from converter.image.encoded.start import open_encoded
from converter.image.encoded.walk import ElementWalk
from converter.image.header import BROKEN_INPUT
from converter.image.open_file import OpenFile

SOP_CLASS_UID = 0x00080016
BROKEN: tuple[type[Exception], ...] = (*BROKEN_INPUT, Derailed, TooManyElements)


def read_if_damaged(
    path: Path | OpenFile, inflated_bytes_max: int, value_bytes_max: int | None = None, pydicom_failed: bool = False
) -> DamagedDataset | None:
    """The data set in `path`, if something about it is not as the standard has it, or if `pydicom_failed`; else None.

    With `value_bytes_max` only its header: Pixel Data is empty, longer values are left out. One that is whole up to
    a value that ends too early is left to pydicom, and so is one in which no SOP Instance UID is found. Raises
    OSError, and Unreadable for a header that is too long.
    """
    with path.open("rb") as file:
        raw = BufferedSource(_read_at(file), file.seek(0, os.SEEK_END))
        meta, start, syntax = _meta(path, raw)
        file_source = BufferedSource(_read_at(file), raw.size, start)
        source, encoding = open_encoded(file_source, syntax, inflated_bytes_max)
        if _is_regular(ElementWalk(source, encoding), pydicom_failed):
            return None
        ds = damaged_dataset(source, encoding, ElementWalk(source, encoding), value_bytes_max)
    if "SOPInstanceUID" not in ds:
        return None
    meta.TransferSyntaxUID = UID(encoding.transfer_syntax_uid)
    ds.file_meta = meta
    return ds


def ends_early(path: Path | OpenFile, inflated_bytes_max: int) -> bool:
    """Whether bytes are missing at the end of the DICOM file `path`: of its file meta information, of its data set, or
    all of that. Raises OSError."""
    with path.open("rb") as file:
        raw = BufferedSource(_read_at(file), file.seek(0, os.SEEK_END))
        if raw.read(128, 4) == b"DICM":
            length = raw.read(132, 12)
            if len(length) < 12 or raw.size <= 144 + int.from_bytes(length[8:], "little"):
                return True
        try:
            _, start, syntax = _meta(path, raw)
            source, encoding = open_encoded(BufferedSource(_read_at(file), raw.size, start), syntax, inflated_bytes_max)
            last = max((element.tag for element in ElementWalk(source, encoding)), default=0)
            if isinstance(source, InflatedSource) and source.problem == "cut":
                return True
        except EndsEarly:
            return True
        except BROKEN:
            return False
    return last < SOP_CLASS_UID


def _is_regular(walk: ElementWalk, pydicom_failed: bool) -> bool:
    """Whether pydicom is to be asked. Of what is only cut it says itself what is wrong."""
    try:
        for _ in walk:
            pass
    except EndsEarly:
        return not walk.notes
    except (Derailed, TooManyElements):
        return False
    return not walk.notes and not pydicom_failed


def _read_at(file: BinaryIO) -> Callable[[int, int], bytes]:
    def read_at(position: int, count: int) -> bytes:
        file.seek(position)
        return file.read(count)

    return read_at


def _meta(path: Path | OpenFile, raw: BufferedSource) -> tuple[FileMetaDataset, int, str]:
    """File meta information, where the data set begins, and its transfer syntax; explained from the data set itself
    where the file has none."""
    if raw.read(128, 4) == b"DICM":
        try:
            readable: Any = path.own_descriptor() if isinstance(path, OpenFile) else path
            meta = read_file_meta_info(readable)
            length = int(meta.FileMetaInformationGroupLength)
            return meta, 132 + 12 + length, str(meta.TransferSyntaxUID)
        except BROKEN_INPUT:
            pass
    syntax = str(ExplicitVRLittleEndian if raw.read(4, 2) in VRS else ImplicitVRLittleEndian)
    return FileMetaDataset(), 0, syntax
