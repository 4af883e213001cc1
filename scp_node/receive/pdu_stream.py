"""Takes PDUs apart (PS3.8 9.3) in one fixed buffer, without a copy of what P-DATA carries and without a socket.

A PDU that carries data is never held as a whole: its fragments are handed out as they come, so that memory does not
depend on any length a peer declares. A stream that waits between two PDUs holds no buffer at all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from scp_node.dimse.pdus import (
    A_ABORT,
    A_ASSOCIATE_AC,
    A_ASSOCIATE_RJ,
    A_ASSOCIATE_RQ,
    A_RELEASE_RP,
    A_RELEASE_RQ,
    COMMAND,
    LAST,
    P_DATA_TF,
    PDU_HEADER,
    PDV_HEADER,
)
from scp_node.receive.proxy_header import MISPLACED, is_header

BUFFER_BYTES = 512 * 1024
# Buffers that wait for the next stream that reads; more are left to the garbage collector.
SPARE_BUFFERS_MAX = 8
# An A-ASSOCIATE-RQ with 128 contexts of every syntax is 40 kB; user identity may add more.
CONTROL_PDU_BYTES_MAX = 128 * 1024
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
    """Consecutive PDVs of one message, or as much of them as has come; `pieces` are valid until the stream is read to
    again. `pdvs` counts those that ended."""

    context_id: int
    is_command: bool
    is_last: bool
    pieces: list[memoryview]
    bytes: int
    pdvs: int


_spare: deque[bytearray] = deque(maxlen=SPARE_BUFFERS_MAX)


class PduStream:
    """Usage: read into `space()`, tell `filled(count)`, walk over `pieces()`, and `rest()` before waiting."""

    def __init__(self, pdu_bytes_max: int) -> None:
        self.pdu_bytes_max = pdu_bytes_max
        self.pdus_completed = 0
        self._buffer, self._view = bytearray(), memoryview(b"")
        self._start = self._end = 0
        self._pdu_left = self._pdv_left = 0
        self._context_id = self._control = 0

    @property
    def is_within_pdu(self) -> bool:
        """Whether a PDU has begun that is not complete."""
        return self._pdu_left > 0 or self._end > self._start

    def space(self) -> memoryview:
        """Where to read the next bytes to; never empty once `pieces()` was walked to its end."""
        if not self._buffer:
            self._buffer = _spare.pop() if _spare else bytearray(BUFFER_BYTES)
            self._view = memoryview(self._buffer)
        elif self._start:
            rest = self._end - self._start
            self._buffer[:rest] = self._buffer[self._start : self._end]
            self._start, self._end = 0, rest
        return self._view[self._end :]

    def filled(self, count: int) -> None:
        self._end += count

    def rest(self) -> None:
        """Let go of the buffer unless it holds something. No piece may be in use any more."""
        if self._start == self._end and self._buffer:
            _spare.append(self._buffer)
            self._buffer, self._view = bytearray(), memoryview(b"")
            self._start = self._end = 0

    def discard(self) -> None:
        """Forget what was read: nothing of it matters any more."""
        self._start = self._end = self._pdu_left = self._pdv_left = 0

    def pieces(self) -> Iterator[ControlPdu | Fragment]:
        """What the bytes at hand hold. Raises InvalidPdu at the first byte that breaks the protocol."""
        while True:
            if self._pdu_left:
                fragment = self._fragment()
                if fragment is None:
                    return
                yield fragment
                continue
            if self._end - self._start < PDU_HEADER.size:
                return
            pdu_type, length = PDU_HEADER.unpack_from(self._buffer, self._start)
            if pdu_type == P_DATA_TF:
                self._begin_p_data(length)
                continue
            if length > _LENGTH_MAX.get(pdu_type, -1):
                if is_header(bytes(self._view[self._start : self._start + PDU_HEADER.size])):
                    raise InvalidPdu(MISPLACED)
                raise InvalidPdu(f"PDU of type 0x{pdu_type:02X} with {length} bytes")
            end = self._start + PDU_HEADER.size + length
            if end > self._end:
                return
            data = bytes(self._view[self._start : end])
            self._start = end
            self.pdus_completed += 1
            yield ControlPdu(pdu_type, data)

    def _begin_p_data(self, length: int) -> None:
        if not PDV_HEADER.size <= length <= self.pdu_bytes_max:
            raise InvalidPdu(f"P-DATA-TF PDU of {length} bytes, negotiated maximum {self.pdu_bytes_max}")
        self._pdu_left = length
        self._start += PDU_HEADER.size

    def _fragment(self) -> Fragment | None:
        """All that follows of the same message in the buffer, over the borders of PDVs and PDUs.

        This is the loop that every byte of every image passes: it runs on local variables.
        """
        view, start, end = self._view, self._start, self._end
        pdu_left, pdv_left, context_id, control = self._pdu_left, self._pdv_left, self._context_id, self._control
        pieces: list[memoryview] = []
        count = pdvs = 0
        of: tuple[int, int] | None = None if not pdv_left else (context_id, control & COMMAND)
        is_last = False
        while not is_last:
            if not pdv_left:
                at = start
                if not pdu_left:
                    # the next PDU, as long as it carries data too; `pieces` looks at any other
                    if end - at < PDU_HEADER.size + PDV_HEADER.size:
                        break
                    pdu_type, length = PDU_HEADER.unpack_from(view, at)
                    if pdu_type != P_DATA_TF or not PDV_HEADER.size <= length <= self.pdu_bytes_max:
                        break
                    at += PDU_HEADER.size
                else:
                    if end - at < PDV_HEADER.size:
                        break
                    length = pdu_left
                pdv_length, new_context_id, new_control = PDV_HEADER.unpack_from(view, at)
                if of is not None and (new_context_id, new_control & COMMAND) != of:
                    break
                if pdv_length < 2 or pdv_length + 4 > length or 0 < length - pdv_length - 4 < PDV_HEADER.size:
                    if of is not None:
                        break  # hand out what came before; the next call meets it again
                    raise InvalidPdu(f"PDV of {pdv_length} bytes where the PDU has {length} left")
                context_id, control = new_context_id, new_control
                of = (context_id, control & COMMAND)
                start = at + PDV_HEADER.size
                pdv_left = pdv_length - 2
                pdu_left = length - PDV_HEADER.size
            taken = pdv_left if pdv_left <= end - start else end - start
            if taken:
                pieces.append(view[start : start + taken])
                start += taken
                count += taken
                pdv_left -= taken
                pdu_left -= taken
            if pdv_left:
                break
            pdvs += 1
            is_last = bool(control & LAST)
            if not pdu_left:
                self.pdus_completed += 1
        self._start, self._pdu_left, self._pdv_left = start, pdu_left, pdv_left
        self._context_id, self._control = context_id, control
        if not pieces and not pdvs:
            return None
        return Fragment(context_id, bool(control & COMMAND), is_last, pieces, count, pdvs)
