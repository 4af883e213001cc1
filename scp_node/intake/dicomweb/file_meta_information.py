"""Reads the File Meta Information of a DICOM file whose bytes come one after the other (PS3.10 7.1)."""

from __future__ import annotations

from dataclasses import dataclass

from converter.image.encoded.headers import HEADER_BYTES, UNDEFINED, ByteOrder, way_of
from scp_node.errors import CannotUnderstand

PREAMBLE_BYTES = 128
PREFIX = b"DICM"
META_BYTES_MAX = 64 * 1024
_GROUP = 0x0002
_SOP_CLASS, _SOP_INSTANCE, _TRANSFER_SYNTAX = 0x00020002, 0x00020003, 0x00020010
_LITTLE = ByteOrder(big_endian=False)


@dataclass(frozen=True)
class FileMeta:
    """UIDs as they came, empty where they are missing, and where the data set begins."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    data_set_start: int


def file_meta(head: bytes, *, is_whole: bool = False) -> FileMeta | None:
    """What the first bytes of a file say; None while more of them are needed, never so when the file `is_whole`.

    Elements are followed as long as they are of group 0002: the length that stands at the beginning of the group is
    wrong in files of some makers. Raises CannotUnderstand for what is no DICOM file.
    """
    if len(head) < PREAMBLE_BYTES + len(PREFIX) and not is_whole:
        return None
    if head[PREAMBLE_BYTES:][: len(PREFIX)] != PREFIX:
        raise CannotUnderstand("it is no DICOM file: after 128 bytes there is no DICM")
    values: dict[int, str] = {}
    position = PREAMBLE_BYTES + len(PREFIX)
    while True:
        element = head[position : position + HEADER_BYTES]
        if len(element) < HEADER_BYTES:
            if not is_whole:
                _check_within(position)
                return None
            if element:
                raise CannotUnderstand("it ends within its File Meta Information, or just behind it")
            break
        if _LITTLE.tag(element) >> 16 != _GROUP:
            break
        way = way_of(element)
        found = None if way is None else _LITTLE.header(element, position, way)
        if found is None or found.length == UNDEFINED or found.length > META_BYTES_MAX:
            raise CannotUnderstand("its File Meta Information cannot be read")
        end = found.start + found.length
        if end > len(head):
            if is_whole:
                raise CannotUnderstand("it ends within its File Meta Information")
            _check_within(end)
            return None
        values.setdefault(found.tag, head[found.start : end].decode("ascii", "replace").strip("\0 "))
        position = end
    return FileMeta(
        values.get(_SOP_CLASS, ""), values.get(_SOP_INSTANCE, ""), values.get(_TRANSFER_SYNTAX, ""), position
    )


def _check_within(position: int) -> None:
    if position > META_BYTES_MAX:
        raise CannotUnderstand(f"its File Meta Information has more than {META_BYTES_MAX} bytes")
