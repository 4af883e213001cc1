"""Bytes in an object store, with copies of those that were used last on the disk of this machine.

An object is durable when the store has answered its PUT. Copies are files of a spool that is not durable; they end with
the boot of the machine, because a power cut may leave anything of them.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from scp_node.errors import OutOfResources
from scp_node.host.disk_space import DiskLimits, Fullness
from scp_node.storage.blobs import Comparison, Part
from scp_node.storage.copy_room import CopyRoom
from scp_node.storage.object_part import ObjectPart, compare_object
from scp_node.storage.object_store import ObjectStore
from scp_node.storage.spool import Spool, files_in, is_name

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class ObjectBlobs:
    """`folder`: of the copies, on a disk of this machine. `limits`: of that disk, for what is on its way."""

    def __init__(self, folder: Path, objects: ObjectStore, limits: DiskLimits, cache_bytes_max: int) -> None:
        self._objects = objects
        boot = _BOOT_ID.read_text().strip()
        self.root = folder / boot
        self._copies = Spool(self.root, limits, durable=False)
        self._room = CopyRoom(lambda: files_in(self.root), cache_bytes_max)
        for earlier in folder.iterdir():
            if earlier.name != boot:
                shutil.rmtree(earlier, ignore_errors=True)

    @property
    def healthy(self) -> bool:
        return not self.unhealthy_reason

    @property
    def unhealthy_reason(self) -> str:
        return self._copies.unhealthy_reason or self._objects.failure

    def check_room(self, bytes_expected: int = 0) -> None:
        """Copies give way to what comes in."""
        try:
            self._copies.check_room(bytes_expected)
        except OutOfResources:
            if not self._room.make_room(self._room.bytes() // 2):
                raise
            self._copies.check_room(bytes_expected)
        self._objects.check()

    def check_health(self) -> None:
        self._copies.check_health()

    def distrust(self, failure: str) -> None:
        self._copies.distrust(failure)

    def fullness(self) -> Fullness:
        """Removing what is old makes no room on this disk, which has copies only."""
        return Fullness(0.0, math.inf)

    def open_part(self, head: bytes = b"", *, is_limited: bool = True) -> Part:
        return ObjectPart(self._copies.open_part(head, is_limited=is_limited), self._objects, self._room.came)

    def put(self, name: str, data: bytes) -> Path:
        path = self._copies.path(name)
        self._objects.check()
        if not self._objects.create(name, data) and not self._is(name, data):
            self._objects.replace(name, data)
        self._room.came(len(data))
        self._copies.put(name, data)
        return path

    def _is(self, name: str, data: bytes) -> bool:
        try:
            return self._objects.size(name) == len(data) and b"".join(self._objects.read(name)) == data
        except FileNotFoundError:
            return False

    def path(self, spool_name: str) -> Path:
        path = self._copies.path(spool_name)
        if not self._room.used(path):
            with suppress(FileNotFoundError):
                self._fetch(spool_name)
        return path

    def _fetch(self, name: str) -> None:
        """Have a copy. Raises FileNotFoundError, OutOfResources."""
        self._objects.check()
        size = self._objects.size(name)
        self._room.came(size)
        part = self._copies.open_part(is_limited=False)
        try:
            for piece in self._objects.read(name):
                part.append([memoryview(piece)])
            if part.file_bytes != size:
                raise OutOfResources("the object store gave other bytes than it has")
            part.commit(name)
        finally:
            part.discard()

    def holds(self, name: str) -> bool:
        self._objects.check()
        try:
            self._objects.size(name)
        except FileNotFoundError:
            return False
        return True

    def compare(self, part: Part, name: str) -> Comparison:
        """With the copy where there is one and the object is there as well: the store keeps what it has taken."""
        copy = self._copies.path(name)
        try:
            size = self._objects.size(name)
        except FileNotFoundError:
            return "lost"
        if self._room.used(copy) and copy.stat().st_size == size and self._copies.compare(part, name) == "same":
            return "same"
        return compare_object(self._objects, part, name)

    def remove(self, name: str) -> None:
        with suppress(OutOfResources):  # what nobody names is looked for later
            self._objects.delete([name])
        self._copies.remove(name)

    def unlink(self, names: Sequence[str]) -> dict[str, str]:
        ours = [name for name in names if is_name(name)]
        try:
            self._objects.check()
            self._objects.delete(ours)
        except OutOfResources as refusal:
            return dict.fromkeys(ours, str(refusal))
        return self._copies.unlink(ours)

    def sync_folders(self, names: Sequence[str]) -> None:
        """The store has answered that they are gone, and copies end with the boot."""

    def sweep_parts(self) -> int:
        return self._copies.sweep_parts()

    def drop_copies(self, names: Sequence[str]) -> None:
        self._copies.unlink(names)

    def copies(self) -> Iterator[str]:
        return (path.stem for path in files_in(self.root))

    def names(self, shard: int, after: datetime, before: datetime) -> Iterator[str]:
        return (name for name in self._objects.names(shard, after, before) if is_name(name))
