"""A file on its way into the spool: written without a name of its own, then named and durable, or gone."""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn, Protocol

import xxhash

from scp_node.errors import OutOfResources
from scp_node.host.disk_space import DiskSpace, errno_name
from scp_node.storage.durable_files import write_rest
from scp_node.storage.incoming_bytes import IncomingBytes

# A writev takes this many pieces at most (IOV_MAX of Linux).
_PIECES_MAX = 1024
# A file that is being received may outgrow the room by as much before it is stopped.
GROWTH_CHECK_BYTES = 8 * 2**20
# The disk begins to write this early, so that the fsync at the end finds little left to do; then in larger steps, each
# twice the last, because to have it begin costs time as well.
WRITEBACK_BYTES_FIRST, WRITEBACK_BYTES_MAX = 2**19, 2**21
# The name is taken, or the file system has no hard links.
_NOT_LINKED = (errno.EEXIST, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK)
_fadvise = getattr(os, "posix_fadvise", None)


def new_hash() -> xxhash.xxh3_128:
    """XXH3-128: tells contents apart at the speed of memory, and is no proof against somebody who forges."""
    return xxhash.xxh3_128()


class PartFolder(Protocol):
    """What a part file asks of the spool that it is to become part of."""

    parts: Path
    room: DiskSpace
    incoming: IncomingBytes

    def path(self, spool_name: str) -> Path: ...
    def create_part(self) -> tuple[Path, int, Callable[[], None]]: ...
    def delete(self, part: Path) -> None: ...
    def check_health(self) -> None: ...
    def fsync(self, fd: int) -> None: ...
    def fsync_directory(self, directory: Path) -> None: ...
    def make_shard(self, shard: Path) -> None: ...


class PartFile:
    """A file on its way into the spool: `write`, then `commit`, or `discard`. Errors of the disk discard it."""

    def __init__(self, spool: PartFolder, head: bytes, is_limited: bool) -> None:
        self._spool = spool
        self._file_bytes = 0
        self._check_at = GROWTH_CHECK_BYTES if is_limited else None
        self._incoming_bytes = 0
        self._path, self._fd, self._release = spool.create_part()
        self._hash = new_hash()
        self._head_bytes = len(head)
        self._writeback_from, self._writeback_step = 0, WRITEBACK_BYTES_FIRST
        self.data_bytes = 0
        if head:
            self.append([memoryview(head)])

    @property
    def file_bytes(self) -> int:
        """Of all that was written, the head included."""
        return self._file_bytes

    @property
    def digest(self) -> str:
        """Of what was written so far, the head not included, as 32 hexadecimal digits."""
        return self._hash.hexdigest()

    def write(self, pieces: Sequence[bytes | memoryview]) -> None:
        """Append the pieces in order. Raises OutOfResources when the disk does not take them."""
        views = [memoryview(piece) for piece in pieces]
        for view in views:
            self._hash.update(view)
            self.data_bytes += len(view)
        self.append(views)

    def read_at(self, position: int, count: int) -> bytes:
        """`count` bytes from `position` after the head, fewer at the end. Raises OutOfResources."""
        try:
            return os.pread(self._fd, count, self._head_bytes + position)
        except OSError as error:
            self._fail(error)

    def mapped(self) -> mmap.mmap:
        """All of the file, head included, once what the disk gives back was found to be what was received. Raises
        OutOfResources."""
        try:
            content = mmap.mmap(self._fd, 0, access=mmap.ACCESS_READ)
        except OSError as error:
            self._fail(error)
        if xxhash.xxh3_128_hexdigest(memoryview(content)[self._head_bytes :]) != self.digest:
            self.discard()
            raise OutOfResources("the disk gives back other bytes than it took")
        return content

    def commit(self, name: str) -> Path:
        """Give the file its name, durably. Replaces a file of that name in one step.

        A new name is given before the content is fsynced: one write of the file system's journal then brings both to
        the disk. A name that exists may be one that was promised to somebody, and is replaced by durable content only.
        """
        final = self._spool.path(name)
        try:
            is_named = self._link(final)
            self._spool.fsync(self._fd)
            if not is_named:
                self._path.rename(final)
            self._spool.fsync_directory(final.parent)
        except OSError as error:
            self._fail(error)
        except OutOfResources:
            self.discard()
            raise
        os.close(self._fd)
        self._fd = -1
        self._arrived()
        return final

    def _link(self, final: Path) -> bool:
        """Whether the name was free and is now this file's. Where there are no hard links, no name is."""
        try:
            try:
                final.hardlink_to(self._path)
            except FileNotFoundError:
                self._spool.make_shard(final.parent)
                final.hardlink_to(self._path)
        except OSError as error:
            if error.errno in _NOT_LINKED:
                return False
            raise
        self._path.unlink()
        self._path = final
        return True

    def discard(self) -> None:
        """Remove the file unless it is committed. May be called again."""
        if self._fd < 0:
            return
        if not self._is_replaced():
            self._spool.delete(self._path)
        os.close(self._fd)
        self._fd = -1
        self._arrived()
        self._spool.room.took(-self._file_bytes)

    def _arrived(self) -> None:
        """Nothing of this file is on its way any more."""
        self._release()
        self._spool.incoming.add(-self._incoming_bytes)
        self._incoming_bytes = 0

    def _is_replaced(self) -> bool:
        """Whether the name stands for another file: the same instance came twice at once, and the other one may be
        acknowledged."""
        try:
            return not os.path.samestat(os.fstat(self._fd), self._path.lstat())
        except OSError:
            return False

    def append(self, views: list[memoryview]) -> None:
        """Write without counting for the digest."""
        try:
            for start in range(0, len(views), _PIECES_MAX):
                batch = views[start : start + _PIECES_MAX]
                written = os.writev(self._fd, batch)
                if written < sum(map(len, batch)):
                    write_rest(self._fd, b"".join(batch)[written:])
            self._file_bytes += sum(map(len, views))
            if self._file_bytes - self._writeback_from >= self._writeback_step:
                self._begin_writeback()
        except OSError as error:
            self._fail(error)
        self._grew(sum(map(len, views)))

    def _grew(self, count: int) -> None:
        self._spool.room.took(count)
        if self._check_at is None:
            return
        try:
            self._spool.incoming.add(count)
            self._incoming_bytes += count
            if self._file_bytes >= self._check_at:
                self._check_at = self._file_bytes + GROWTH_CHECK_BYTES
                self._spool.check_health()
                self._spool.room.check()
        except OutOfResources:
            self.discard()
            raise

    def _begin_writeback(self) -> None:
        """Have the disk begin with what is new. Linux drops only pages that are clean, and these are not."""
        if _fadvise is not None:
            length = self._file_bytes - self._writeback_from
            _fadvise(self._fd, self._writeback_from, length, os.POSIX_FADV_DONTNEED)
        self._writeback_from = self._file_bytes
        self._writeback_step = min(2 * self._writeback_step, WRITEBACK_BYTES_MAX)

    def _fail(self, error: OSError) -> NoReturn:
        self.discard()
        raise OutOfResources(f"cannot write: {errno_name(error)}") from error
