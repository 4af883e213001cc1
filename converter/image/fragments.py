"""Takes a frame out of encapsulated Pixel Data (PS3.5 A.4): by its offset tables, or all fragments joined."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from pydicom import Dataset
from pydicom.encaps import get_frame

from converter.errors import Undecodable
from converter.image.codestream import starts_like_one
from converter.image.header import BROKEN_INPUT, value, without_warnings

ITEM = 0xE000FFFE  # (FFFE,E000), read as one number in little endian
FRAGMENTS_MAX = 100_000


def encoded_frame(ds: Dataset, data: bytes, frame: int, frames: int) -> bytes:
    """The codestream of frame `frame` of `frames`. Raises Undecodable when the Pixel Data hold none.

    An image of one frame needs no table that says where it begins: its fragments are joined, whatever the Basic or the
    Extended Offset Table claims (PS3.5 A.4, PS3.3 C.7.6.3.1.8).
    """
    if frames == 1:
        joined = b"".join(_fragments(data))
        if not joined:
            raise Undecodable("the encapsulated Pixel Data holds no frame 1")
        return joined
    try:
        with without_warnings():
            return get_frame(data, frame, number_of_frames=frames, extended_offsets=_offsets(ds))
    except BROKEN_INPUT as error:
        raise Undecodable(f"the encapsulated Pixel Data holds no frame {frame + 1}") from error


def _fragments(data: bytes) -> Iterator[bytes]:
    """The items behind the Basic Offset Table, up to the delimiter or the end of the data.

    Two faults of writers are understood: a codestream without any item, and fragments without a Basic Offset Table.
    """
    if starts_like_one(data):
        yield data
        return
    at = 0
    for number in range(FRAGMENTS_MAX):
        if at + 8 > len(data):
            return
        tag, length = struct.unpack_from("<II", data, at)
        if tag != ITEM:
            return
        at += 8
        if at + length > len(data):
            raise Undecodable(f"fragment {number} of the Pixel Data has fewer bytes than it announces")
        fragment = data[at : at + length]
        if number > 0 or starts_like_one(fragment):
            yield fragment
        at += length
    raise Undecodable(f"the Pixel Data has more than {FRAGMENTS_MAX} fragments")


def _offsets(ds: Dataset) -> tuple[bytes, bytes] | None:
    """Extended Offset Table and lengths (PS3.3 C.7.6.3.1.8)."""
    offsets, lengths = value(ds, "ExtendedOffsetTable"), value(ds, "ExtendedOffsetTableLengths")
    return (offsets, lengths) if isinstance(offsets, bytes) and isinstance(lengths, bytes) else None
