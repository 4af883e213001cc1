"""Opens files whose names stand in a configuration: regular files only, without waiting, up to a size.

A pipe, a device or a socket under such a name would keep whoever opens it waiting, for ever if nobody writes.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def open_regular(path: Path) -> int:
    """A descriptor of `path`, for reading. Raises OSError, also for what is no regular file, and never waits for one.

    Symbolic links are followed: what they lead to is what has to be a regular file.
    """
    _check(path, path.stat())  # a device may do something when it is opened
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        _check(path, os.fstat(descriptor))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def read_regular(path: Path, bytes_max: int) -> bytes:
    """The content of `path`. Raises OSError, also for what is no regular file or has more than `bytes_max` bytes."""
    with open(open_regular(path), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(bytes_max + 1) if size <= bytes_max else b""
    if size > bytes_max or len(content) > bytes_max:
        raise OSError(errno.EFBIG, f"is larger than {bytes_max} bytes", str(path))
    return content


def _check(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(found.st_mode)), "something else")
        raise OSError(errno.EISDIR if kind == "a folder" else errno.EINVAL, f"is {kind}, not a file", str(path))
