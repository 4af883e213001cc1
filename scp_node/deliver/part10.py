"""What a sender must know of a DICOM file (PS3.10 7.1), and the file in another uncompressed transfer syntax."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydicom import dcmread
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_file_meta_info
from pydicom.filewriter import write_dataset

from converter.image.header import BROKEN_INPUT
from scp_node.dimse.uids import DEFLATED_EXPLICIT_LE, EXPLICIT_LE, IMPLICIT_LE, is_uid_as_sent
from scp_node.errors import DeliveryRefused

# Syntaxes between which a data set can be re-encoded without touching a pixel.
CONVERTIBLE = (EXPLICIT_LE, IMPLICIT_LE, DEFLATED_EXPLICIT_LE)
_PREAMBLE_BYTES = 128


class NotPart10(DeliveryRefused):
    """The file has no preamble and file meta information that name the object within."""

    code = "not-part10"


@dataclass(frozen=True)
class Part10File:
    """A DICOM file on disk: what it holds, and where the data set begins."""

    path: Path
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    dataset_offset: int
    dataset_bytes: int

    def open_dataset(self) -> BinaryIO:
        """The file, positioned at the first byte of the data set."""
        file = self.path.open("rb")
        file.seek(self.dataset_offset)
        return file


def has_preamble(path: Path) -> bool:
    """Whether the file begins like Part 10: 128 bytes, then DICM."""
    with path.open("rb") as file:
        return file.read(_PREAMBLE_BYTES + 4)[_PREAMBLE_BYTES:] == b"DICM"


def read_part10(path: Path) -> Part10File:
    """Read the file meta information. Raises NotPart10, or OSError when there is no such file."""
    if not has_preamble(path):
        raise NotPart10("no DICM prefix")
    try:
        meta = read_file_meta_info(path)
        length = int(meta.FileMetaInformationGroupLength)
        sop_class, instance = str(meta.MediaStorageSOPClassUID), str(meta.MediaStorageSOPInstanceUID)
        syntax = str(meta.TransferSyntaxUID)
    except BROKEN_INPUT as error:
        raise NotPart10("the file meta information is incomplete") from error
    # (0002,0000) itself takes 12 bytes after the prefix; its value counts what follows (PS3.10 Table 7.1-1).
    offset = _PREAMBLE_BYTES + 4 + 12 + length
    size = path.stat().st_size - offset
    if size <= 0:
        raise NotPart10("the file holds no data set")
    if not all(map(is_uid_as_sent, (sop_class, instance, syntax))):
        raise NotPart10("a UID of the file meta information is not a UID")
    return Part10File(path, sop_class, instance, syntax, offset, size)


def reencoded(file: Part10File, transfer_syntax_uid: str) -> bytes:
    """The data set in another of the CONVERTIBLE syntaxes; values stay as they are, only their headers change.

    Raises NotPart10 when the data set cannot be read."""
    if file.transfer_syntax_uid not in CONVERTIBLE or transfer_syntax_uid not in CONVERTIBLE[:2]:
        raise ValueError(f"cannot re-encode {file.transfer_syntax_uid} as {transfer_syntax_uid}")
    buffer = DicomBytesIO()
    buffer.is_little_endian = True
    buffer.is_implicit_VR = transfer_syntax_uid == IMPLICIT_LE
    try:
        write_dataset(buffer, dcmread(file.path))
    except BROKEN_INPUT as error:
        raise NotPart10("the data set cannot be read") from error
    return buffer.getvalue()


def dataset_stream(file: Part10File, transfer_syntax_uid: str) -> tuple[BinaryIO, int]:
    """The data set as it goes over the wire, and its length: as stored when the syntax is the file's own."""
    if transfer_syntax_uid == file.transfer_syntax_uid:
        return file.open_dataset(), file.dataset_bytes
    data = reencoded(file, transfer_syntax_uid)
    return io.BytesIO(data), len(data)
