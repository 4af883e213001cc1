"""An image file known by its open descriptor alone: who reads it needs no path, and no right to open one."""

from __future__ import annotations

import io
import os
from typing import Any, BinaryIO


class OpenFile:
    """Read as a Path is: each `open` begins at the start, and none moves another. Does not close `descriptor`."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def open(self, mode: str = "rb") -> BinaryIO:
        assert mode == "rb"
        return io.BufferedReader(_Positioned(self.descriptor))

    def read_bytes(self) -> bytes:
        with self.open() as file:
            return file.read()

    def own_descriptor(self) -> int:
        """A second descriptor, at the start of the file, which its user closes."""
        os.lseek(self.descriptor, 0, os.SEEK_SET)
        return os.dup(self.descriptor)

    def reader(self) -> Reader:
        return Reader(self.open())


class Reader:
    """What pydicom reads deferred values from: a file without a name, because under a name it would open it again."""

    def __init__(self, file: BinaryIO) -> None:
        self.read, self.seek, self.tell, self._file = file.read, file.seek, file.tell, file


class _Positioned(io.RawIOBase):
    """Reads with a position of its own: descriptors of one open file share theirs."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._at = descriptor, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at}.get(whence)
        self._at = offset + (os.fstat(self._descriptor).st_size if start is None else start)
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        count = os.preadv(self._descriptor, [buffer], self._at)
        self._at += count
        return count
