"""Keeps copies of objects within a number of bytes: those unused longest go first."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

# Who was told of a copy opens it soon after.
IN_USE_S = 600.0
# So much of the maximum may come before the folder is looked at again, and so much of it is left then.
LOOK_AFTER, LEFT = 1 / 16, 0.9


class CopyRoom:
    """Of one folder, which several processes of this machine may fill; each looks after it. Thread-safe."""

    def __init__(self, files: Callable[[], Iterator[Path]], bytes_max: int) -> None:
        self._files, self._bytes_max = files, bytes_max
        self._looking = threading.Lock()
        self._unseen = bytes_max  # the first copy has the folder looked at

    @staticmethod
    def used(path: Path) -> bool:
        """Whether the copy is there; it counts as used now."""
        try:
            os.utime(path)
        except FileNotFoundError:
            return False
        return True

    def came(self, count: int) -> None:
        """A copy of `count` bytes has come or comes now."""
        self._unseen += count
        if self._unseen >= self._bytes_max * LOOK_AFTER:
            self.make_room(self._bytes_max)

    def make_room(self, bytes_max: int) -> int:
        """Remove what is unused longest where there is more than that; returns how many copies went."""
        if not self._looking.acquire(blocking=False):
            return 0
        try:
            self._unseen = 0
            found = sorted(self._found())
            total = sum(size for _, size, _ in found)
            if total <= bytes_max:
                return 0
            removed = 0
            for used_at, size, path in found:
                if total <= bytes_max * LEFT or used_at > time.time() - IN_USE_S:
                    break
                path.unlink(missing_ok=True)
                total, removed = total - size, removed + 1
            return removed
        finally:
            self._looking.release()

    def bytes(self) -> int:
        """Of all copies."""
        return sum(size for _, size, _ in self._found())

    def _found(self) -> Iterator[tuple[float, int, Path]]:
        """When each copy was used last, its size, and the copy."""
        for path in self._files():
            with suppress(FileNotFoundError):
                found = path.stat()
                yield found.st_mtime, found.st_size, path
