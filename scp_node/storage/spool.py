"""The spool: files that survive a power cut once they have their name.

A file is written without a name of its own, then named, and content and directory are fsynced. What a row of the ledger
names is therefore whole. A name that no row knows may stand for less after a power cut; it is never trusted, and the
next file of that name takes its place.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import re
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import xxhash

from scp_node.errors import OutOfResources
from scp_node.host.disk_space import DiskLimits, DiskSpace, errno_name
from scp_node.storage.durable_files import (
    PART_SUFFIX,
    create_locked,
    holds,
    make_directory,
    remove_unless_locked,
    write_rest,
)
from scp_node.storage.incoming_bytes import IncomingBytes

log = logging.getLogger(__name__)

_NAME = re.compile(r"[0-9a-f]{64}")
_SUFFIX = ".dcm"
_PARTS = "parts"
# A writev takes this many pieces at most (IOV_MAX of Linux).
_PIECES_MAX = 1024
# A file that is being received may outgrow the room by as much before it is stopped.
GROWTH_CHECK_BYTES = 8 * 2**20
# Part files remembered that could not be deleted; the sweep at the next start finds the others.
UNDELETED_MAX = 1000
# The disk begins to write this early, so that the fsync at the end finds little left to do; then in larger steps, each
# twice the last, because to have it begin costs time as well.
WRITEBACK_BYTES_FIRST, WRITEBACK_BYTES_MAX = 2**19, 2**21
# The name is taken, or the file system has no hard links.
_NOT_LINKED = (errno.EEXIST, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK)
_fadvise = getattr(os, "posix_fadvise", None)


def instance_name(sop_instance_uid: str, digest: str) -> str:
    """Spool name of a received instance: never made of what came over the wire itself, and the same only for the same
    content, so that no file is ever overwritten by other bytes."""
    return hashlib.sha256(f"{sop_instance_uid} {digest}".encode()).hexdigest()


def new_hash() -> xxhash.xxh3_128:
    """XXH3-128: tells contents apart at the speed of memory, and is no proof against somebody who forges."""
    return xxhash.xxh3_128()


NO_LIMITS = DiskLimits()


class Spool:
    """Folder of received instances and results, sharded by the first byte of their names (64 hexadecimal digits)."""

    def __init__(self, root: Path, limits: DiskLimits = NO_LIMITS) -> None:
        self.root = root
        self.room = DiskSpace(root, limits)
        self.incoming = IncomingBytes(limits.incoming_bytes_max)
        self._undeleted: deque[Path] = deque(maxlen=UNDELETED_MAX)
        self.unhealthy_reason = ""
        self.parts = root / _PARTS
        self._make_folders()

    @property
    def healthy(self) -> bool:
        """False after a failed fsync: the kernel may have dropped pages, so nothing is accepted until a restart."""
        return not self.unhealthy_reason

    def path(self, spool_name: str) -> Path:
        """Where the file of that name is or will be. Raises ValueError for anything but a name of ours."""
        if not _NAME.fullmatch(spool_name):
            raise ValueError("a spool name is 64 hexadecimal digits")
        return self.root / spool_name[:2] / f"{spool_name}{_SUFFIX}"

    def check_room(self, bytes_expected: int = 0) -> None:
        """Raise OutOfResources when the spool must not or cannot take `bytes_expected` more."""
        self.check_health()
        self.incoming.check()
        self.room.check(bytes_expected)

    def check_health(self) -> None:
        """Raise OutOfResources after a failed fsync."""
        if not self.healthy:
            raise OutOfResources(f"storage failed, restart needed: {self.unhealthy_reason}")

    def distrust(self, failure: str) -> None:
        """Take nothing more until a restart: what was to be on the disk may be neither there nor in memory."""
        self.unhealthy_reason = self.unhealthy_reason or failure
        log.critical("spool is unhealthy", extra={"reason": failure})

    def open_part(self, head: bytes = b"", *, is_limited: bool = True) -> PartFile:
        """A new file without a name; `head` is written first and not part of the digest.

        One that is limited is stopped when it grows beyond the room. Results are not: with them the node finishes
        what it has promised.
        """
        self.check_health()
        try:
            part = self._new_part(head, is_limited)
        except OSError as error:
            raise OutOfResources(f"cannot write: {errno_name(error)}") from error
        self._delete_what_was_left()
        return part

    def _new_part(self, head: bytes, is_limited: bool) -> PartFile:
        try:
            return PartFile(self, head, is_limited)
        except FileNotFoundError:  # somebody cleared the spool while it was in use
            make_directory(self.parts)
            return PartFile(self, head, is_limited)

    def put(self, name: str, data: bytes) -> Path:
        """Make `data` durable under `name`. Doing so again with the same bytes leaves the file as it is."""
        path = self.path(name)
        if holds(path, data):
            self._fsync_file(path)  # whoever wrote it may have died before his own fsync
            self._fsync_directory(path.parent)
            return path
        part = self.open_part(is_limited=False)
        try:
            part._write_out([memoryview(data)])  # nobody asks for its hash
            return part.commit(name)
        finally:
            part.discard()

    def remove(self, name: str) -> None:
        """Take a file away that no row of the ledger names."""
        with contextlib.suppress(OSError):
            self.path(name).unlink(missing_ok=True)

    def sweep_parts(self) -> int:
        """Remove the part files of processes that died; one that is being written is locked and stays."""
        return sum(remove_unless_locked(path) for path in self.parts.glob(f"*{PART_SUFFIX}"))

    def delete(self, part: Path) -> None:
        """Delete a part file now or, while the disk is read-only or fails, as soon as one can be made again."""
        try:
            part.unlink(missing_ok=True)
        except OSError:
            self._undeleted.append(part)

    def _delete_what_was_left(self) -> None:
        for _ in range(len(self._undeleted)):
            with contextlib.suppress(IndexError):  # another thread was faster
                self.delete(self._undeleted.popleft())

    def _make_folders(self) -> None:
        """All at once, so that no sender waits for them later. Who made those that are there may have died before the
        fsync of what holds them."""
        for folder in (self.root, self.parts, *(self.root / f"{number:02x}" for number in range(256))):
            make_directory(folder)
        for folder in (self.root, self.root.parent):
            self._fsync_directory(folder)

    def _make_shard(self, shard: Path) -> None:
        """Make one again that somebody took away."""
        make_directory(shard)
        self._fsync_directory(self.root)

    def _fsync_directory(self, directory: Path) -> None:
        self._fsync_file(directory, os.O_DIRECTORY)

    def _fsync_file(self, path: Path, flags: int = 0) -> None:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | flags)
        try:
            self._fsync(fd)
        finally:
            os.close(fd)

    def _fsync(self, fd: int) -> None:
        """Once. A second fsync may report success although the pages that the first one lost are gone."""
        self.check_health()
        try:
            os.fsync(fd)
        except OSError as error:
            self.distrust(f"fsync {errno_name(error)}")
            raise OutOfResources(f"storage failed, restart needed: {self.unhealthy_reason}") from error


class PartFile:
    """A file on its way into the spool: `write`, then `commit`, or `discard`. Errors of the disk discard it."""

    def __init__(self, spool: Spool, head: bytes, is_limited: bool) -> None:
        self._spool = spool
        self._file_bytes = 0
        self._check_at = GROWTH_CHECK_BYTES if is_limited else None
        self._incoming_bytes = 0
        self._path, self._fd = create_locked(spool.parts)
        self._hash = new_hash()
        self._head_bytes = len(head)
        self._writeback_from, self._writeback_step = 0, WRITEBACK_BYTES_FIRST
        self.data_bytes = 0
        if head:
            self._write_out([memoryview(head)])

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
        self._write_out(views)

    def read_at(self, position: int, count: int) -> bytes:
        """`count` bytes from `position` after the head, fewer at the end. Raises OutOfResources."""
        try:
            return os.pread(self._fd, count, self._head_bytes + position)
        except OSError as error:
            self._fail(error)

    def commit(self, name: str) -> Path:
        """Give the file its name, durably. Replaces a file of that name in one step.

        A new name is given before the content is fsynced: one write of the file system's journal then brings both to
        the disk. A name that exists may be one that was promised to somebody, and is replaced by durable content only.
        """
        final = self._spool.path(name)
        try:
            is_named = self._link(final)
            self._spool._fsync(self._fd)
            if not is_named:
                self._path.rename(final)
            self._spool._fsync_directory(final.parent)
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
                self._spool._make_shard(final.parent)
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
        self._spool.incoming.add(-self._incoming_bytes)
        self._incoming_bytes = 0

    def _is_replaced(self) -> bool:
        """Whether the name stands for another file: the same instance came twice at once, and the other one may be
        acknowledged."""
        try:
            return not os.path.samestat(os.fstat(self._fd), self._path.lstat())
        except OSError:
            return False

    def _write_out(self, views: list[memoryview]) -> None:
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
