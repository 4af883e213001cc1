"""Brings one file of the spool into a backup or out of it: durable, with its time, and read once for its digests."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scp_node.ledger.spool_names import NamedFile
from scp_node.storage.durable_files import make_directory, write_rest
from scp_node.storage.part_file import new_hash

CHUNK_BYTES = 2**20
# ioctl FICLONE of Linux: a second file on the same blocks, which are copied when one of the two is changed.
FICLONE = 0x40049409
PART = ".part"
_CANNOT = {errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL, errno.EMLINK, errno.ENOSYS}

Way = Literal["clone", "link", "copy"]
WAYS: tuple[Way, ...] = ("clone", "link", "copy")


@dataclass(frozen=True)
class Digests:
    """Of one reading of a file: SHA-256 of all of it, and whether it is what the ledger has of it."""

    bytes: int
    sha256: str
    as_entered: bool


class FileKeeper:
    """Puts files under new names. `ways` are tried in this order; one that the file systems do not know is not tried
    again. `check_room` is called with the bytes of a file that is copied, and may raise."""

    def __init__(self, ways: tuple[Way, ...], check_room: Callable[[int], None] = lambda count: None) -> None:
        self._ways, self._check_room = list(ways), check_room

    def put(self, source: Path, target: Path) -> Way:
        """Durable but for the folder of `target`, which is replaced in one step. Raises OSError."""
        make_directory(target.parent)
        part = target.with_name(f"{secrets.token_hex(8)}{PART}")
        try:
            way = self._put(source, part)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        return way

    def _put(self, source: Path, part: Path) -> Way:
        for way in tuple(self._ways):
            try:
                if way == "link":
                    os.link(source, part, follow_symlinks=False)
                else:
                    self._write(source, part, way)
                return way
            except OSError as error:
                part.unlink(missing_ok=True)
                if way == "copy" or error.errno not in _CANNOT:
                    raise
                self._ways.remove(way)
        raise AssertionError("copying is always possible")

    def _write(self, source: Path, part: Path, way: Way) -> None:
        with source.open("rb") as reading:
            found = os.fstat(reading.fileno())
            fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                if way == "clone":
                    fcntl.ioctl(fd, FICLONE, reading.fileno())
                else:
                    self._check_room(found.st_size)
                    while piece := reading.read(CHUNK_BYTES):
                        write_rest(fd, piece)
                os.utime(fd, ns=(found.st_atime_ns, found.st_mtime_ns))
                os.fsync(fd)
            finally:
                os.close(fd)


def digests_of(path: Path, named: NamedFile | None = None) -> Digests:
    """Read a file once. Without `named` nothing is known of what the ledger has. Raises OSError."""
    whole, data_set = hashlib.sha256(), new_hash()
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        head_bytes = size - named.bytes if named is not None and not named.is_result else size
        position = 0
        while piece := file.read(CHUNK_BYTES):
            whole.update(piece)
            if position + len(piece) > max(head_bytes, 0):
                data_set.update(piece[max(0, head_bytes - position) :])
            position += len(piece)
    if named is None:
        as_entered = True
    elif named.is_result:
        as_entered = (position, whole.hexdigest()) == (named.bytes, named.digest)
    else:
        as_entered = head_bytes >= 0 and data_set.hexdigest() == named.digest
    return Digests(position, whole.hexdigest(), as_entered)
