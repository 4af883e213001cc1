"""The header of one element: tag, VR and length, in the three ways in which it can be written (PS3.5 7.1)."""

from __future__ import annotations

import struct
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from pydicom.datadict import dictionary_has_tag, repeater_has_tag

UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXEL_DATA = 0x7FE00010
DELIMITERS = 0xFFFE
HEADER_BYTES = 12  # of the longest way
# VRs whose length takes two and four bytes (PS3.5 Table 7.1-1)
SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
VRS = SHORT_VRS | LONG_VRS


class Way(IntEnum):
    """How VR and length are written."""

    SHORT = 0  # VR, length of two bytes
    LONG = 1  # VR, two bytes of zero, length of four bytes
    IMPLICIT = 2  # no VR, length of four bytes


class ElementHeader(NamedTuple):
    """tag, VR (empty where there is none that is known), where the value starts, and its length or UNDEFINED."""

    tag: int
    vr: bytes
    start: int
    length: int
    is_implicit: bool


class ByteOrder:
    """Reads numbers of one byte order."""

    def __init__(self, big_endian: bool) -> None:
        order = ">" if big_endian else "<"
        self._tag, self._short, self._long = (struct.Struct(order + code) for code in ("HH", "H", "L"))
        self.explicit = struct.Struct(order + "HH2sH")  # group, element, VR, length or two bytes of zero

    def tag(self, data: bytes, offset: int = 0) -> int:
        group, element = self._tag.unpack_from(data, offset)
        return int(group) << 16 | int(element)

    def packed(self, tag: int) -> bytes:
        return self._tag.pack(tag >> 16, tag & 0xFFFF)

    def short(self, data: bytes, offset: int) -> int:
        return int(self._short.unpack_from(data, offset)[0])

    def long(self, data: bytes, offset: int) -> int:
        return int(self._long.unpack_from(data, offset)[0])

    def header(self, head: bytes, position: int, way: Way) -> ElementHeader | None:
        """The header that `head`, the bytes from `position` on, is when it is written in that way."""
        vr = head[4:6] if head[4:6] in VRS and way is not Way.IMPLICIT else b""
        if way is Way.LONG:
            if len(head) < HEADER_BYTES:
                return None
            return ElementHeader(self.tag(head), vr, position + 12, self.long(head, 8), False)
        if way is Way.SHORT:
            return ElementHeader(self.tag(head), vr, position + 8, self.short(head, 6), False)
        return ElementHeader(self.tag(head), b"", position + 8, self.long(head, 4), True)


def way_of(head: bytes) -> Way | None:
    """The way of an explicit header as the standard has it; None where its VR is not known or its zeros are none."""
    vr = head[4:6]
    if vr in SHORT_VRS:
        return Way.SHORT
    return Way.LONG if vr in LONG_VRS and head[6:8] == b"\0\0" else None


@lru_cache(maxsize=2**14)
def is_public(tag: int) -> bool:
    """Whether there is such an element of a data set: in the dictionary (PS3.6), or a group length."""
    group, element = tag >> 16, tag & 0xFFFF
    return 8 <= group < DELIMITERS and (element == 0 or dictionary_has_tag(tag) or repeater_has_tag(tag))


def is_known(tag: int) -> bool:
    """Whether there is such an element, or could be: private ones have certain numbers (PS3.5 7.8.1)."""
    group, element = tag >> 16, tag & 0xFFFF
    if group % 2:
        return 9 <= group < 0xFFFF and (element >= 0x1000 or element == 0 or 0x10 <= element <= 0xFF)
    return is_public(tag)
