"""A file that no disk knows: what is uploaded is analysed like every other file, and nothing of it is kept."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Self


class NamelessFile:
    """Open until its block ends, then gone; another process that was given `descriptor` may read it for longer.

    Linux alone has such files.
    """

    def __init__(self) -> None:
        self.descriptor = os.memfd_create("upload", os.MFD_CLOEXEC)
        self.bytes_written = 0

    def write(self, piece: bytes | memoryview) -> None:
        """Raises OSError."""
        left = memoryview(piece)
        while left:
            left = left[os.write(self.descriptor, left) :]
        self.bytes_written += len(piece)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self.descriptor)


def path_of(descriptor: int) -> Path:
    """A path by which this process, and no other, may open again what it has open."""
    return Path(f"/proc/self/fd/{descriptor}")
