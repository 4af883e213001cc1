"""The spool: files that survive a power cut once they have their name.

A file is written without a name of its own, then named, and content and directory are fsynced. What a row of the ledger
names is therefore whole. A name that no row knows may stand for less after a power cut; it is never trusted, and the
next file of that name takes its place.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from scp_node.errors import OutOfResources
from scp_node.host.disk_space import DiskLimits, DiskSpace, Fullness, errno_name
from scp_node.storage.blobs import Comparison, Part
from scp_node.storage.durable_files import holds, make_directory
from scp_node.storage.incoming_bytes import IncomingBytes
from scp_node.storage.part_file import PartFile
from scp_node.storage.part_locks import PartLocks
from scp_node.storage.same_bytes import same_bytes

log = logging.getLogger(__name__)

_NAME = re.compile(r"[0-9a-f]{64}")
_SUFFIX = ".dcm"
_PARTS = "parts"
# Part files remembered that could not be deleted; the sweep at the next start finds the others.
UNDELETED_MAX = 1000


def instance_name(sop_instance_uid: str, digest: str) -> str:
    """Spool name of a received instance: never made of what came over the wire itself, and the same only for the same
    content, so that no file is ever overwritten by other bytes."""
    return hashlib.sha256(f"{sop_instance_uid} {digest}".encode()).hexdigest()


def result_name(sop_instance_uid: str) -> str:
    """Spool name of a result, which no received instance can have."""
    return hashlib.sha256(f"result:{sop_instance_uid}".encode()).hexdigest()


def holds_objects(root: Path) -> bool:
    """Whether a spool there has any whole file."""
    return any(root.glob(f"[0-9a-f][0-9a-f]/*{_SUFFIX}"))


def is_name(spool_name: str) -> bool:
    """Whether it is a name of ours."""
    return _NAME.fullmatch(spool_name) is not None


def files_in(root: Path) -> Iterator[Path]:
    """Every whole file of a spool, one folder at a time."""
    for shard in root.glob("[0-9a-f][0-9a-f]"):
        yield from shard.glob(f"*{_SUFFIX}")


def path_in(root: Path, spool_name: str) -> Path:
    """As Spool.path, for whoever only reads."""
    if not is_name(spool_name):
        raise ValueError("a spool name is 64 hexadecimal digits")
    return root / spool_name[:2] / f"{spool_name}{_SUFFIX}"


NO_LIMITS = DiskLimits()


class Spool:
    """Folder of received instances and results, sharded by the first byte of their names (64 hexadecimal digits).

    `locks`: a folder of this host, where several hosts share `root`. One that is not `durable` holds copies of what is
    durable elsewhere: a power cut may leave anything of it.
    """

    def __init__(
        self, root: Path, limits: DiskLimits = NO_LIMITS, *, locks: Path | None = None, durable: bool = True
    ) -> None:
        self._durable = durable
        self.root = root
        self.room = DiskSpace(root, limits)
        self.incoming = IncomingBytes(limits.incoming_bytes_max)
        self._undeleted: deque[Path] = deque(maxlen=UNDELETED_MAX)
        self.unhealthy_reason = ""
        self.parts = root / _PARTS
        self._make_folders()
        self._locks = PartLocks(self.parts, locks)

    @property
    def healthy(self) -> bool:
        """False after a failed fsync: the kernel may have dropped pages, so nothing is accepted until a restart."""
        return not self.unhealthy_reason

    def path(self, spool_name: str) -> Path:
        """Where the file of that name is or will be. Raises ValueError for anything but a name of ours."""
        return path_in(self.root, spool_name)

    def check_room(self, bytes_expected: int = 0) -> None:
        """Raise OutOfResources when the spool must not or cannot take `bytes_expected` more."""
        self.check_health()
        self.incoming.check()
        self.room.check(bytes_expected)

    def check_health(self) -> None:
        """Raise OutOfResources after a failed fsync."""
        if not self.healthy:
            raise OutOfResources(f"storage failed, restart needed: {self.unhealthy_reason}")

    def fullness(self) -> Fullness:
        """How far the limits of the disk are used up. Raises OSError when it cannot be asked."""
        return self.room.fullness()

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

    def create_part(self) -> tuple[Path, int, Callable[[], None]]:
        """A file for a part, locked, and what releases the lock. Raises OSError."""
        return self._locks.create()

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
            self.fsync_directory(path.parent)
            return path
        part = self.open_part(is_limited=False)
        try:
            part.append([memoryview(data)])  # nobody asks for its hash
            return part.commit(name)
        finally:
            part.discard()

    def remove(self, name: str) -> None:
        """Take a file away that no row of the ledger names."""
        with contextlib.suppress(OSError):
            self.path(name).unlink(missing_ok=True)

    def holds(self, name: str) -> bool:
        """Whether there is a file of that name."""
        return self.path(name).exists()

    def compare(self, part: Part, name: str) -> Comparison:
        """Compare what has come in with the file of that name."""
        return same_bytes(part, self.path(name))

    def unlink(self, names: Sequence[str]) -> dict[str, str]:
        """Take files away that no row of the ledger stands for any more; returns of those that stay, why."""
        reasons = {}
        for name in names:
            try:
                self._unlink(name)
            except OSError as error:
                reasons[name] = errno_name(error)
        return reasons

    def _unlink(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError, ValueError):
            path = self.path(name)
            size = path.stat().st_size
            path.unlink()
            self.room.took(-size)

    def sync_folders(self, names: Sequence[str]) -> None:
        """Have a power cut bring none of these files back. Raises OutOfResources."""
        for folder in {self.path(name).parent for name in names if is_name(name)}:
            with contextlib.suppress(FileNotFoundError):  # somebody took the whole folder away
                self.fsync_directory(folder)

    def sweep_parts(self) -> int:
        """Remove the part files of processes that died; one that is being written is locked and stays."""
        return self._locks.sweep()

    def drop_copies(self, names: Sequence[str]) -> None:
        """The files are the bytes themselves."""

    def copies(self) -> Iterator[str]:
        """None: the files are the bytes themselves."""
        return iter(())

    def names(self, shard: int, after: datetime, before: datetime) -> Iterator[str]:
        """None: a file that no row names waits for its sender, and for a ledger that is made anew."""
        return iter(())

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
            self.fsync_directory(folder)

    def make_shard(self, shard: Path) -> None:
        """Make one again that somebody took away."""
        make_directory(shard)
        self.fsync_directory(self.root)

    def fsync_directory(self, directory: Path) -> None:
        self._fsync_file(directory, os.O_DIRECTORY)

    def _fsync_file(self, path: Path, flags: int = 0) -> None:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | flags)
        try:
            self.fsync(fd)
        finally:
            os.close(fd)

    def fsync(self, fd: int) -> None:
        """Once. A second fsync may report success although the pages that the first one lost are gone."""
        self.check_health()
        if not self._durable:
            return
        try:
            os.fsync(fd)
        except OSError as error:
            self.distrust(f"fsync {errno_name(error)}")
            raise OutOfResources(f"storage failed, restart needed: {self.unhealthy_reason}") from error
