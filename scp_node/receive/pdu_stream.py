"""Takes PDUs apart (PS3.8 9.3) in one fixed buffer, without a copy of what P-DATA carries and without a socket.

A PDU that carries data is never held as a whole: its fragments are handed out as they come, so that memory does not
depend on any length a peer declares.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

BUFFER_BYTES = 256 * 1024
# An A-ASSOCIATE-RQ with 128 contexts of every syntax is 40 kB; user identity may add more.
CONTROL_PDU_BYTES_MAX = 128 * 1024
A_ASSOCIATE_RQ, A_ASSOCIATE_AC, A_ASSOCIATE_RJ, P_DATA_TF = 0x01, 0x02, 0x03, 0x04
A_RELEASE_RQ, A_RELEASE_RP, A_ABORT = 0x05, 0x06, 0x07
_PDU_HEADER, _PDV_HEADER = struct.Struct(">BxL"), struct.Struct(">LBB")
# PDU type and length, PDV length, presentation context and message control header of a PDU with one PDV
P_DATA_HEADER = struct.Struct(">BxLLBB")
_LENGTH_MAX = {
    A_ASSOCIATE_RQ: CONTROL_PDU_BYTES_MAX,
    A_ASSOCIATE_AC: CONTROL_PDU_BYTES_MAX,
    A_ASSOCIATE_RJ: 4,
    A_RELEASE_RQ: 4,
    A_RELEASE_RP: 4,
    A_ABORT: 4,
}


class InvalidPdu(ValueError):
    """The peer does not keep to the protocol; the association has to be aborted."""


class ControlPdu(NamedTuple):
    """A whole PDU of another type than P-DATA-TF."""

    pdu_type: int
    data: bytes


class Fragment(NamedTuple):
    """A piece of a PDV; `data` is valid until the next call of `space`."""

    context_id: int
    is_command: bool
    is_last: bool
    data: memoryview


class PduStream:
    """Usage: read into `space()`, tell `filled(count)`, walk over `pieces()`."""

    def __init__(self, pdu_bytes_max: int, buffer_bytes: int = BUFFER_BYTES) -> None:
        self.pdu_bytes_max = pdu_bytes_max
        self.pdus_completed = 0
        self._buffer = bytearray(buffer_bytes)
        self._view = memoryview(self._buffer)
        self._start = self._end = 0
        self._pdu_left = self._pdv_left = 0
        self._context_id = self._control = 0

    @property
    def is_within_pdu(self) -> bool:
        """Whether a PDU has begun that is not complete."""
        return self._pdu_left > 0 or self._end > self._start

    def space(self) -> memoryview:
        """Where to read the next bytes to; never empty once `pieces()` was walked to its end."""
        if self._start:
            rest = self._end - self._start
            self._buffer[:rest] = self._buffer[self._start : self._end]
            self._start, self._end = 0, rest
        return self._view[self._end :]

    def filled(self, count: int) -> None:
        self._end += count

    def discard(self) -> None:
        """Forget what was read: nothing of it matters any more."""
        self._start = self._end = self._pdu_left = self._pdv_left = 0

    def pieces(self) -> Iterator[ControlPdu | Fragment]:
        """What the bytes at hand hold. Raises InvalidPdu at the first byte that breaks the protocol."""
        while True:
            if self._pdv_left:
                if self._start == self._end:
                    return
                yield self._take(min(self._pdv_left, self._end - self._start))
            elif self._end - self._start < _PDU_HEADER.size:
                return
            elif self._pdu_left:
                self._begin_pdv()
                if not self._pdv_left:
                    yield self._take(0)
            else:
                pdu_type, length = _PDU_HEADER.unpack_from(self._buffer, self._start)
                if pdu_type == P_DATA_TF:
                    self._begin_p_data(length)
                    continue
                if length > _LENGTH_MAX.get(pdu_type, -1):
                    raise InvalidPdu(f"PDU of type 0x{pdu_type:02X} with {length} bytes")
                end = self._start + _PDU_HEADER.size + length
                if end > self._end:
                    return
                data = bytes(self._view[self._start : end])
                self._start = end
                self.pdus_completed += 1
                yield ControlPdu(pdu_type, data)

    def _begin_p_data(self, length: int) -> None:
        if not _PDV_HEADER.size <= length <= self.pdu_bytes_max:
            raise InvalidPdu(f"P-DATA-TF PDU of {length} bytes, negotiated maximum {self.pdu_bytes_max}")
        self._pdu_left = length
        self._start += _PDU_HEADER.size

    def _begin_pdv(self) -> None:
        length, self._context_id, self._control = _PDV_HEADER.unpack_from(self._buffer, self._start)
        if length < 2 or length + 4 > self._pdu_left or 0 < self._pdu_left - length - 4 < _PDV_HEADER.size:
            raise InvalidPdu(f"PDV of {length} bytes where the PDU has {self._pdu_left} left")
        self._pdv_left = length - 2
        self._pdu_left -= _PDV_HEADER.size
        self._start += _PDV_HEADER.size

    def _take(self, count: int) -> Fragment:
        data = self._view[self._start : self._start + count]
        self._start += count
        self._pdv_left -= count
        self._pdu_left -= count
        if not self._pdu_left:
            self.pdus_completed += 1
        is_last = bool(self._control & 2) and not self._pdv_left
        return Fragment(self._context_id, bool(self._control & 1), is_last, data)
