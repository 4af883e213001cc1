"""Reads headers and inflates deflated data sets up to a maximum of bytes, whatever the file announces."""

from __future__ import annotations

import io
import os
import zlib
from pathlib import Path
from typing import Any

from converter.errors import Unreadable
from converter.image.open_file import OpenFile

HEADER_BYTES_MAX = 64 << 20
INFLATED_BYTES_MAX = 512 << 20
CHUNK_BYTES = 1 << 16

TOO_LONG = f"the header has more than {HEADER_BYTES_MAX >> 20} MiB"


def inflate(deflated: bytes, bytes_max: int) -> tuple[bytes, bool]:
    """At most `bytes_max` of what `deflated` (PS3.5 A.5) inflates to, and whether that is all. Raises zlib.error."""
    inflating = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = inflating.decompress(deflated, bytes_max)
    return inflated, inflating.eof


def open_bounded(path: Path | OpenFile) -> io.BufferedReader:
    """The file; reading more than `HEADER_BYTES_MAX` of it raises Unreadable, skipping does not."""
    return io.BufferedReader(_Counted(path.own_descriptor() if isinstance(path, OpenFile) else str(path), "rb"))


def open_inflated(path: Path | OpenFile, start: int, before: bytes) -> io.BufferedReader:
    """`before`, then what the file inflates to from `start` on (PS3.5 A.5), as far as it is asked for.

    Raises Unreadable beyond `HEADER_BYTES_MAX` and where the deflated bytes end too early.
    """
    return io.BufferedReader(_Inflated(path, start, before))


class _Counted(io.FileIO):
    _bytes_read = 0

    def readinto(self, buffer: Any, /) -> int:
        count = super().readinto(buffer) or 0
        self._bytes_read += count
        if self._bytes_read > HEADER_BYTES_MAX:
            raise Unreadable(TOO_LONG)
        return count

    def readall(self) -> bytes:
        raise Unreadable("the data set is deflated, but the file has no preamble")  # pydicom would inflate all of it


class _Inflated(io.RawIOBase):
    name = ""  # pydicom asks; values of this file cannot be read again later

    def __init__(self, path: Path | OpenFile, start: int, before: bytes) -> None:
        self._file = path.open("rb")
        self._file.seek(start)
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        self._inflated = bytearray(before)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        if whence == os.SEEK_END:
            raise io.UnsupportedOperation("the end is not known")
        self._at = offset if whence == os.SEEK_SET else self._at + offset
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer)
        self._inflate_to(self._at + len(view))
        part = self._inflated[self._at : self._at + len(view)]
        view[: len(part)] = part
        self._at += len(part)
        return len(part)

    def close(self) -> None:
        self._file.close()
        super().close()

    def _inflate_to(self, end: int) -> None:
        while len(self._inflated) < end and not self._inflate.eof:
            if len(self._inflated) > HEADER_BYTES_MAX:
                raise Unreadable(TOO_LONG)
            deflated = self._inflate.unconsumed_tail or self._file.read(CHUNK_BYTES)
            if not deflated:
                raise Unreadable("the deflated data set ends too early")
            self._inflated += self._inflate.decompress(deflated, CHUNK_BYTES)
