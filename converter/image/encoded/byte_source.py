"""Bytes by their position: of a file, or of what a deflated data set inflates to; never many of them in memory."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Literal, Protocol

AHEAD_BYTES = 16 * 1024
# As much of an inflated data set is kept; what lies behind it is inflated again when it is asked for.
KEPT_BYTES = 4 * 2**20
INFLATE_CHUNK_BYTES = 2**18
RESTARTS_MAX = 16

InflateProblem = Literal["", "cut", "damaged", "too long"]


class ByteSource(Protocol):
    """`size` bytes; `read` gives `count` of them, fewer at the end."""

    size: int

    def read(self, position: int, count: int) -> bytes: ...


class BufferedSource:
    """Bytes that `read_at(position, count)` gives, from `start` on. Reads a little ahead."""

    def __init__(self, read_at: Callable[[int, int], bytes], size: int, start: int = 0) -> None:
        self._read_at, self._start = read_at, start
        self.size = max(size - start, 0)
        self._from, self._buffer = 0, b""

    def read(self, position: int, count: int) -> bytes:
        """`count` bytes from `position`, fewer at the end."""
        offset = position - self._from
        if offset < 0 or offset + count > len(self._buffer):
            self._buffer = self._read_at(self._start + position, max(count, AHEAD_BYTES))
            self._from, offset = position, 0
        return self._buffer[offset : offset + count]


class InflatedSource:
    """What `deflated` inflates to (PS3.5 A.5), inflated once to its end, but to no more than `bytes_max`.

    problem: "cut" where the deflated bytes end too early, "damaged" where they cannot be inflated further, "too long"
    beyond `bytes_max`; `size` is then what could be had. Bytes with the head of zlib or gzip are understood as well.
    """

    def __init__(self, deflated: ByteSource, bytes_max: int) -> None:
        self._deflated, self._bytes_max = deflated, bytes_max
        self.problem: InflateProblem = ""
        self.has_head = _window_bits(deflated) > 0
        kept, self.size = bytearray(), 0
        for piece in self._inflate():
            kept += piece[: KEPT_BYTES - len(kept)]
            self.size += len(piece)
        self._kept = bytes(kept)
        self._restarts = 0
        self._stream: Iterator[bytes] = iter(())
        self._from, self._window = self.size, b""

    def read(self, position: int, count: int) -> bytes:
        """`count` bytes from `position`, fewer at the end and after too many steps back behind what is kept."""
        end = min(position + count, self.size)
        if end <= len(self._kept):
            return self._kept[position:end]
        if position < self._from:
            if self._restarts == RESTARTS_MAX:
                return b""
            self._restarts += 1
            self._stream, self._from, self._window = self._inflate(), 0, b""
        pieces = [self._window[position - self._from :]] if position < self._from + len(self._window) else []
        while self._from + len(self._window) < end:
            self._from += len(self._window)
            self._window = next(self._stream, b"")
            if not self._window:
                break
            if position < self._from + len(self._window):
                pieces.append(self._window[max(position - self._from, 0) :])
        return b"".join(pieces)[:count]

    def _inflate(self) -> Iterator[bytes]:
        inflating, position, made = zlib.decompressobj(_window_bits(self._deflated)), 0, 0
        waiting = b""
        while not inflating.eof:
            if not waiting:
                waiting = self._deflated.read(position, INFLATE_CHUNK_BYTES)
                position += len(waiting)
            try:
                piece = inflating.decompress(waiting, INFLATE_CHUNK_BYTES)
            except zlib.error:
                self.problem = "damaged"
                return
            if not piece and not waiting and not inflating.eof:
                self.problem = "cut"
                return
            waiting = inflating.unconsumed_tail
            made += len(piece)
            if made > self._bytes_max:
                self.problem = "too long"
                return
            if piece:
                yield piece


def _window_bits(deflated: ByteSource) -> int:
    """What zlib is to expect: no head, as the standard has it, or that of zlib or gzip."""
    head = deflated.read(0, 2)
    is_zlib = len(head) == 2 and head[0] == 0x78 and int.from_bytes(head, "big") % 31 == 0
    return zlib.MAX_WBITS + 32 if is_zlib or head == b"\x1f\x8b" else -zlib.MAX_WBITS
