"""How a data set is written and where it begins, whatever was agreed on: told by its first bytes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from converter.image.encoded.byte_source import ByteSource, InflatedSource
from converter.image.encoded.headers import ByteOrder, way_of

META_GROUP = 0x0002
META_ELEMENTS_MAX = 64
_TRANSFER_SYNTAX = 0x00020010
_PREAMBLE_BYTES = 128
_LITTLE = ByteOrder(big_endian=False)


@dataclass(frozen=True)
class Encoding:
    """The transfer syntax as found, where the first element begins, and what is odd about it."""

    transfer_syntax_uid: str
    start: int = 0
    notes: tuple[str, ...] = ()

    @property
    def is_implicit(self) -> bool:
        return self.transfer_syntax_uid == ImplicitVRLittleEndian

    @property
    def is_big_endian(self) -> bool:
        return self.transfer_syntax_uid == ExplicitVRBigEndian


def open_encoded(source: ByteSource, transfer_syntax_uid: str, inflated_bytes_max: int) -> tuple[ByteSource, Encoding]:
    """The bytes of the elements, inflated if need be, and how they are written.

    The agreed transfer syntax is believed unless the first bytes speak against it. A preamble and file meta
    information (PS3.10 7.1) that were sent with the data set are stepped over, and the syntax they name is believed.
    """
    encoding = _after_meta(source, Encoding(transfer_syntax_uid))
    if encoding.transfer_syntax_uid == DeflatedExplicitVRLittleEndian:
        inflated = InflatedSource(_Rest(source, encoding.start), inflated_bytes_max)
        if inflated.size or inflated.problem != "damaged":
            notes = (*encoding.notes, "deflated with a head of its own") if inflated.has_head else encoding.notes
            return inflated, replace(encoding, start=0, notes=notes)
        encoding = _found(encoding, ExplicitVRLittleEndian, "the data set is not deflated")
    elif not _begins_here(source, encoding.start):
        inflated = InflatedSource(_Rest(source, encoding.start), inflated_bytes_max)
        if not inflated.problem and _begins_here(inflated, 0):
            found = _found(encoding, DeflatedExplicitVRLittleEndian, "the data set is deflated")
            return inflated, replace(found, start=0)
    return source, _in_its_byte_order(source, encoding)


def _after_meta(source: ByteSource, encoding: Encoding) -> Encoding:
    position = next((at for at in (_PREAMBLE_BYTES, 0) if source.read(at, 4) == b"DICM"), None)
    start = 0 if position is None else position + 4
    found = encoding
    for _ in range(META_ELEMENTS_MAX):
        head = source.read(start, 12)
        way = way_of(head)
        if len(head) < 12 or _LITTLE.tag(head) >> 16 != META_GROUP or way is None:
            break
        header = _LITTLE.header(head, start, way)
        assert header is not None
        if header.tag == _TRANSFER_SYNTAX:
            named = source.read(header.start, min(header.length, 64)).decode("ascii", "replace").strip("\0 ")
            if named != found.transfer_syntax_uid:
                found = _found(found, named, "the file meta information names another transfer syntax")
        start = header.start + header.length
    return found if start == 0 else _found(found, found.transfer_syntax_uid, "file meta information", start)


def _begins_here(source: ByteSource, start: int) -> bool:
    """Whether the first tag is one that data sets begin with, in either byte order."""
    first = source.read(start, 2)
    return len(first) < 2 or 0 in first


def _in_its_byte_order(source: ByteSource, encoding: Encoding) -> Encoding:
    first = source.read(encoding.start, 2)
    if len(first) == 2 and first[0] == 0 != first[1] and not encoding.is_big_endian:
        return _found(encoding, ExplicitVRBigEndian, "the data set is big endian")
    if len(first) == 2 and first[1] == 0 != first[0] and encoding.is_big_endian:
        return _found(encoding, ExplicitVRLittleEndian, "the data set is little endian")
    return encoding


def _found(encoding: Encoding, uid: str, note: str, start: int | None = None) -> Encoding:
    return Encoding(uid, encoding.start if start is None else start, (*encoding.notes, note))


class _Rest:
    """What follows the first `start` bytes."""

    def __init__(self, source: ByteSource, start: int) -> None:
        self._source, self._start = source, start
        self.size = source.size - start

    def read(self, position: int, count: int) -> bytes:
        return self._source.read(self._start + position, count)
