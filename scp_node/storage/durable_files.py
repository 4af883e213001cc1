"""The calls under the spool: durable folders, whole writes, and part files whose lock says that they are in work."""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path

PART_SUFFIX = ".part"


def create_locked(folder: Path) -> tuple[Path, int]:
    """A new part file, locked so that no sweep takes it for one of a dead process."""
    while True:
        path = folder / f"{secrets.token_hex(16)}{PART_SUFFIX}"
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            if os.fstat(fd).st_nlink:
                return path, fd
        except OSError:
            os.close(fd)
            raise
        os.close(fd)  # a sweep came between open and lock


def remove_unless_locked(path: Path, *more: Path) -> bool:
    """Delete a part file that no process holds, and before it what its lock stands for as well; False when one does, or
    when it cannot be deleted."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for one in (*more, path):
            one.unlink(missing_ok=True)
    except OSError:
        return False
    finally:
        os.close(fd)
    return True


def write_rest(fd: int, data: bytes) -> None:
    """Write all of `data`, however little each call takes. Raises OSError."""
    while data:
        data = data[os.write(fd, data) :]


def make_directory(directory: Path) -> None:
    """A folder that only its owner may look into, also where it was made before. Raises OSError."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = directory.stat()
    if found.st_uid == os.geteuid() and found.st_mode & 0o777 != 0o700:
        directory.chmod(0o700)


def fsync_folder(folder: Path) -> None:
    """Make the names in it durable. Raises OSError."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def holds(path: Path, data: bytes) -> bool:
    """Whether the file is there with exactly these bytes. Raises OSError when it cannot be read."""
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except FileNotFoundError:
        return False
