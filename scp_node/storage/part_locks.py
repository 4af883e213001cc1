"""Which part files of a spool are in work: a lock says so, and a sweep takes the others away."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from scp_node.storage.durable_files import PART_SUFFIX, create_locked, make_directory, remove_unless_locked

# A part file of a host that never came back.
ABANDONED_S = 7 * 86400.0


def _nothing() -> None:
    """The lock goes with the file."""


class PartLocks:
    """The lock is on the part file itself. In a folder that several hosts share locks may not hold: there it is on a
    file of the same name in the folder `beside`, on a disk of this host, which also says whose part files they are."""

    def __init__(self, parts: Path, beside: Path | None = None) -> None:
        self._parts, self._beside = parts, beside
        if beside is not None:
            make_directory(beside)

    def create(self) -> tuple[Path, int, Callable[[], None]]:
        """A new part file, open for reading and writing, and what releases its lock. Raises OSError."""
        if self._beside is None:
            return *create_locked(self._parts), _nothing
        twin, lock = create_locked(self._beside)

        def release() -> None:
            with suppress(OSError):
                twin.unlink(missing_ok=True)
            os.close(lock)

        path = self._parts / twin.name
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError:
            release()
            raise
        return path, fd, release

    def sweep(self) -> int:
        """Remove the part files of processes of this host that died; one that is being written stays."""
        if self._beside is None:
            return sum(remove_unless_locked(path) for path in self._parts.glob(f"*{PART_SUFFIX}"))
        swept = 0
        for twin in self._beside.glob(f"*{PART_SUFFIX}"):
            swept += remove_unless_locked(twin, self._parts / twin.name)
        return swept + sum(map(self._remove_abandoned, self._parts.glob(f"*{PART_SUFFIX}")))

    def _remove_abandoned(self, part: Path) -> bool:
        assert self._beside is not None
        try:
            is_abandoned = part.stat().st_mtime < time.time() - ABANDONED_S
            if is_abandoned and not (self._beside / part.name).exists():
                part.unlink()
                return True
        except OSError:
            return False
        return False
