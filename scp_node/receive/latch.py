"""An event that `poll` can wait for."""

from __future__ import annotations

import os
import weakref


class Latch:
    """Set once, set for ever. All who wait for it wake up, now or later.

    The descriptor is closed with the last reference to the latch: never while somebody polls it, and never twice.
    """

    def __init__(self) -> None:
        self._fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        weakref.finalize(self, os.close, self._fd)
        self.is_set = False

    def set(self) -> None:
        self.is_set = True
        os.eventfd_write(self._fd, 1)

    def fileno(self) -> int:
        return self._fd
