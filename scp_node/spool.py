"""The spool: files that survive a power cut once they have their name.

A file is written under a temporary name in the directory of its final one, fsynced, renamed, and the directory is
fsynced. Whoever holds a `Path` of the spool therefore holds the whole file, or no file.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import logging
import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from scp_node.errors import OutOfResources

log = logging.getLogger(__name__)

_NAME = re.compile(r"[0-9a-f]{64}")
_SUFFIX, _PART_SUFFIX = ".dcm", ".part"
# A writev takes this many pieces at most (IOV_MAX of Linux).
_PIECES_MAX = 1024


def instance_name(sop_instance_uid: str) -> str:
    """Spool name of a received instance. Never made of what came over the wire itself."""
    return hashlib.sha256(sop_instance_uid.encode()).hexdigest()


class Spool:
    """Folder of received instances and results, sharded by the first byte of their names (64 hexadecimal digits)."""

    def __init__(self, root: Path, used_percent_max: float = 100.0, free_bytes_min: int = 0) -> None:
        self.root = root
        self._used_percent_max = used_percent_max
        self._free_bytes_min = free_bytes_min
        self._shards: set[Path] = set()
        self.unhealthy_reason = ""
        _make_directory(root)

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
        if not self.healthy:
            raise OutOfResources(f"storage failed, restart needed: {self.unhealthy_reason}")
        try:
            volume = os.statvfs(self.root)
        except OSError as error:
            raise OutOfResources(f"storage unavailable: {_name_of(error)}") from error
        free = volume.f_bavail * volume.f_frsize - bytes_expected
        usable = (volume.f_blocks - volume.f_bfree + volume.f_bavail) * volume.f_frsize
        used_percent = 100 * (1 - free / usable) if usable else 100.0
        if used_percent > self._used_percent_max:
            raise OutOfResources(f"disk {used_percent:.0f} % used, limit {self._used_percent_max:.0f} %")
        if free < self._free_bytes_min:
            raise OutOfResources(f"disk has {free // 2**20} MiB free, limit {self._free_bytes_min // 2**20} MiB")

    def open_part(self, spool_name: str, head: bytes = b"") -> PartFile:
        """A new file that becomes `spool_name` when it is committed; `head` is written first and not hashed."""
        final = self.path(spool_name)
        if not self.healthy:
            raise OutOfResources(f"storage failed, restart needed: {self.unhealthy_reason}")
        try:
            self._make_shard(final.parent)
            return PartFile(self, final, head)
        except OSError as error:
            self._shards.discard(final.parent)  # it may be gone: look again next time
            raise OutOfResources(f"cannot write: {_name_of(error)}") from error

    def put(self, name: str, data: bytes) -> Path:
        """Make `data` durable under `name`. Doing so again with the same bytes leaves the file as it is."""
        path = self.path(name)
        if _holds(path, data):
            self._fsync_directory(path.parent)  # whoever wrote it may have died between rename and fsync
            return path
        part = self.open_part(name)
        try:
            part.write([data])
            return part.commit()
        finally:
            part.discard()

    def sweep_parts(self) -> int:
        """Remove the part files of processes that died; one that is being written is locked and stays."""
        return sum(_remove_unless_locked(path) for path in self.root.glob(f"??/*{_PART_SUFFIX}"))

    def _make_shard(self, shard: Path) -> None:
        if shard not in self._shards:
            _make_directory(shard)
            self._fsync_directory(self.root)
            self._shards.add(shard)

    def _fsync_directory(self, directory: Path) -> None:
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._fsync(fd)
        finally:
            os.close(fd)

    def _fsync(self, fd: int) -> None:
        """Once. A second fsync may report success although the pages that the first one lost are gone."""
        try:
            os.fsync(fd)
        except OSError as error:
            self.unhealthy_reason = f"fsync {_name_of(error)}"
            log.critical("spool is unhealthy", extra={"reason": self.unhealthy_reason})
            raise OutOfResources(f"storage failed, restart needed: {self.unhealthy_reason}") from error


class PartFile:
    """A file on its way into the spool: `write`, then `commit`, or `discard`. Errors of the disk discard it."""

    def __init__(self, spool: Spool, final: Path, head: bytes) -> None:
        self._spool, self._final = spool, final
        self._path, self._fd = _create_locked(final)
        self._hash = hashlib.sha256()
        self._head_bytes = len(head)
        self._synced = False
        self.data_bytes = 0
        if head:
            self._write_out([memoryview(head)])

    @property
    def sha256(self) -> str:
        """Of what was written so far, the head not included."""
        return self._hash.hexdigest()

    def write(self, pieces: Sequence[bytes | memoryview]) -> None:
        """Append the pieces in order. Raises OutOfResources when the disk does not take them."""
        views = [memoryview(piece) for piece in pieces]
        for view in views:
            self._hash.update(view)
            self.data_bytes += len(view)
        self._write_out(views)

    def read(self, count: int) -> bytes:
        """The first bytes after the head, `count` at most."""
        try:
            return os.pread(self._fd, count, self._head_bytes)
        except OSError as error:
            self._fail(error)

    def sync(self) -> None:
        """Bring the content to the disk; `commit` does it if it was not done before."""
        try:
            self._spool._fsync(self._fd)
        except OutOfResources:
            self.discard()
            raise
        self._synced = True

    def commit(self) -> Path:
        """Give the file its name, durably. Replaces a file of that name in one step."""
        if not self._synced:
            self.sync()
        try:
            self._path.rename(self._final)
            self._spool._fsync_directory(self._final.parent)
        except OSError as error:
            self._fail(error)
        os.close(self._fd)
        self._fd = -1
        return self._final

    def discard(self) -> None:
        """Remove the file unless it is committed. May be called again."""
        if self._fd < 0:
            return
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
        os.close(self._fd)
        self._fd = -1

    def _write_out(self, views: list[memoryview]) -> None:
        try:
            for start in range(0, len(views), _PIECES_MAX):
                batch = views[start : start + _PIECES_MAX]
                written = os.writev(self._fd, batch)
                if written < sum(map(len, batch)):
                    _write_rest(self._fd, b"".join(batch)[written:])
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> NoReturn:
        self.discard()
        raise OutOfResources(f"cannot write: {_name_of(error)}") from error


def _create_locked(final: Path) -> tuple[Path, int]:
    """A new part file beside `final`, locked so that no sweep takes it for one of a dead process."""
    while True:
        path = final.with_name(f"{final.stem[:16]}-{secrets.token_hex(8)}{_PART_SUFFIX}")
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            if os.fstat(fd).st_nlink:
                return path, fd
        except OSError:
            os.close(fd)
            raise
        os.close(fd)  # a sweep came between open and lock


def _remove_unless_locked(path: Path) -> bool:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except OSError:
        return False
    finally:
        os.close(fd)
    return True


def _write_rest(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def _make_directory(directory: Path) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if directory.stat().st_uid == os.geteuid():
        directory.chmod(0o700)


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except FileNotFoundError:
        return False


def _name_of(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, type(error).__name__)
