"""Reads the identity of an instance from the beginning of its data set, as hostile as that may be.

Only element headers are looked at, up to (0020,000E), within a bounded number of bytes, elements and levels; values
other than the six wanted ones are stepped over. Nothing here decodes text or pixels.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from converter.image.bounded_file import inflate
from scp_node.dimse.uids import DEFLATED_EXPLICIT_LE, EXPLICIT_BE, IMPLICIT_LE, is_uid
from scp_node.errors import CannotUnderstand

HEADER_BYTES_MAX = 4 * 2**20
ELEMENTS_MAX = 20_000
DEPTH_MAX = 32
ACCESSION_CHARACTERS_MAX = 64

_SOP_CLASS, _SOP_INSTANCE, _ACCESSION = 0x00080016, 0x00080018, 0x00080050
_STUDY, _SERIES = 0x0020000D, 0x0020000E
_WANTED = (_SOP_CLASS, _SOP_INSTANCE, _ACCESSION, _STUDY, _SERIES)
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_UNDEFINED = 0xFFFFFFFF
# VRs whose length takes four bytes (PS3.5 Table 7.1-1)
_LONG_VRS = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
_VR = re.compile(rb"[A-Z]{2}")
_FIRST_READ_BYTES = 16 * 1024
# Longer than any value that is wanted; the rest of a longer one is not looked at.
_VALUE_BYTES_MAX = 256


@dataclass(frozen=True)
class InstanceHeader:
    """What the ledger needs to know of a received data set."""

    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    accession_number: str


def read_header(read: Callable[[int], bytes], transfer_syntax_uid: str) -> InstanceHeader:
    """Identity of the data set whose first `count` bytes are `read(count)`. Raises CannotUnderstand."""
    count = _FIRST_READ_BYTES
    while True:
        data = read(count)
        is_whole = len(data) < count
        try:
            return _header_of(_plain(data, transfer_syntax_uid), transfer_syntax_uid)
        except _MoreNeeded as error:
            if is_whole:
                raise CannotUnderstand(f"data set ends early: {error}") from error
            if count >= HEADER_BYTES_MAX:
                raise CannotUnderstand(f"no Series Instance UID within {HEADER_BYTES_MAX} bytes") from error
        count = min(16 * count, HEADER_BYTES_MAX)


class _MoreNeeded(Exception):
    """The bytes at hand end before the header does."""


def _plain(data: bytes, transfer_syntax_uid: str) -> bytes:
    """The data set's beginning, inflated (PS3.5 A.5) up to the same bound when it is deflated."""
    if transfer_syntax_uid != DEFLATED_EXPLICIT_LE:
        return data
    try:
        return inflate(data, HEADER_BYTES_MAX)[0]
    except zlib.error as error:
        raise CannotUnderstand("deflated data set cannot be inflated") from error


def _header_of(data: bytes, transfer_syntax_uid: str) -> InstanceHeader:
    values = dict.fromkeys(_WANTED, b"")
    walk = _Walk(data, big_endian=transfer_syntax_uid == EXPLICIT_BE)
    for tag, start, end in walk.top_level(implicit=transfer_syntax_uid == IMPLICIT_LE):
        if tag in values:
            values[tag] = data[start : min(end, start + _VALUE_BYTES_MAX)]
    return InstanceHeader(
        sop_class_uid=_text(values[_SOP_CLASS]),
        sop_instance_uid=_text(values[_SOP_INSTANCE]),
        study_instance_uid=_required_uid(values[_STUDY], "Study Instance UID"),
        series_instance_uid=_required_uid(values[_SERIES], "Series Instance UID"),
        accession_number=_text(values[_ACCESSION])[:ACCESSION_CHARACTERS_MAX],
    )


def _text(value: bytes) -> str:
    text = value.decode("ascii", "replace").strip("\0 ")
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "?" for character in text)


def _required_uid(value: bytes, name: str) -> str:
    uid = _text(value)
    if not is_uid(uid):
        raise CannotUnderstand(f"{name} is {'not valid' if uid else 'missing'}")
    return uid


class _Walk:
    """Steps over the elements of an encoded data set (PS3.5 7.1, 7.5)."""

    def __init__(self, data: bytes, big_endian: bool) -> None:
        self._data = data
        self._elements = 0
        order = ">" if big_endian else "<"
        self._tag, self._short, self._long = (struct.Struct(order + code) for code in ("HH", "H", "L"))

    def top_level(self, implicit: bool) -> Iterator[tuple[int, int, int]]:
        """(tag, start and end of the value) of each element up to (0020,000E) that has a defined length."""
        position, previous = 0, -1
        while position < len(self._data):
            tag, start, length, is_un = self._element(position, implicit)
            if tag > _SERIES:
                return
            if tag <= previous:
                raise CannotUnderstand(f"elements out of order at ({tag >> 16:04X},{tag & 0xFFFF:04X})")
            previous = tag
            if length == _UNDEFINED:
                position = self._after_sequence(start, implicit or is_un, 1)
                continue
            position = start + length
            if position > len(self._data):
                raise _MoreNeeded(f"({tag >> 16:04X},{tag & 0xFFFF:04X}) has {length} bytes")
            yield tag, start, position
        if previous < _SERIES:
            raise _MoreNeeded("no Series Instance UID")

    def _element(self, position: int, implicit: bool) -> tuple[int, int, int, bool]:
        """Tag, start of the value, length, and whether the VR is UN (whose items are implicit, PS3.5 6.2.2)."""
        self._elements += 1
        if self._elements > ELEMENTS_MAX:
            raise CannotUnderstand(f"more than {ELEMENTS_MAX} elements before the Series Instance UID")
        tag = self._read_tag(position)
        if implicit or tag >> 16 == 0xFFFE:
            return tag, position + 8, self._number(self._long, position + 4), False
        vr = self._data[position + 4 : position + 6]
        if len(vr) < 2:
            raise _MoreNeeded("an element without VR")
        if not _VR.fullmatch(vr):
            raise CannotUnderstand(f"no VR at ({tag >> 16:04X},{tag & 0xFFFF:04X})")
        if vr in _LONG_VRS:
            return tag, position + 12, self._number(self._long, position + 8), vr == b"UN"
        return tag, position + 8, self._number(self._short, position + 6), False

    def _after_sequence(self, position: int, implicit: bool, depth: int) -> int:
        """Position after a sequence of undefined length whose first item begins at `position`."""
        while True:
            tag, start, length, _ = self._element(position, implicit)
            if tag == _SEQUENCE_END:
                return start
            if tag != _ITEM:
                raise CannotUnderstand("a sequence holds something other than items")
            position = self._after_item(start, implicit, depth) if length == _UNDEFINED else start + length

    def _after_item(self, position: int, implicit: bool, depth: int) -> int:
        """Position after an item of undefined length whose first element begins at `position`."""
        if depth > DEPTH_MAX:
            raise CannotUnderstand(f"sequences nested deeper than {DEPTH_MAX}")
        while True:
            tag, start, length, is_un = self._element(position, implicit)
            if tag == _ITEM_END:
                return start
            if length == _UNDEFINED:
                position = self._after_sequence(start, implicit or is_un, depth + 1)
            else:
                position = start + length

    def _read_tag(self, position: int) -> int:
        if position + 4 > len(self._data):
            raise _MoreNeeded("an element without tag")
        group, element = self._tag.unpack_from(self._data, position)
        return int(group) << 16 | int(element)

    def _number(self, code: struct.Struct, position: int) -> int:
        if position + code.size > len(self._data):
            raise _MoreNeeded("an element without length")
        number: int = code.unpack_from(self._data, position)[0]
        return number
