"""A file on its way into an object store: a part file of this machine, sent when it has its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from scp_node.errors import OutOfResources
from scp_node.storage.blobs import Comparison, Part
from scp_node.storage.object_store import ObjectStore
from scp_node.storage.part_file import PartFile
from scp_node.storage.same_bytes import same_data


class ObjectPart:
    """Written to the disk like any other; `commit` returns once the store has answered that it keeps all of it. The
    file stays as a copy."""

    def __init__(self, part: PartFile, objects: ObjectStore, came: Callable[[int], None]) -> None:
        """`came` is called with the bytes of the copy that stays."""
        self._part, self._objects, self._came = part, objects, came

    @property
    def data_bytes(self) -> int:
        return self._part.data_bytes

    @property
    def digest(self) -> str:
        return self._part.digest

    def write(self, pieces: Sequence[bytes | memoryview]) -> None:
        self._part.write(pieces)

    def read_at(self, position: int, count: int) -> bytes:
        return self._part.read_at(position, count)

    def discard(self) -> None:
        self._part.discard()

    def commit(self, name: str) -> Path:
        """Create the object, which is never overwritten by other bytes, and keep the file as a copy of it."""
        try:
            self._send(name)
        except OutOfResources:
            self.discard()
            raise
        self._came(self._part.file_bytes)
        return self._part.commit(name)

    def _send(self, name: str) -> None:
        content = self._part.mapped()
        if self._objects.create(name, content):
            return
        # an earlier attempt of this sender or of another, or this one, whose answer was lost on the way
        found = compare_object(self._objects, self._part, name)
        if found == "lost":
            self._objects.replace(name, content)
        elif found == "other":
            raise OutOfResources("the object store has other bytes of that digest")


def compare_object(objects: ObjectStore, part: Part, name: str) -> Comparison:
    """As Blobs.compare, with the object itself. Raises OutOfResources."""
    try:
        start = objects.size(name) - part.data_bytes
        return "lost" if start < 0 else same_data(part, objects.read(name, start))
    except FileNotFoundError:
        return "lost"
