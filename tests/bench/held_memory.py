"""Memory at hand when a measurement begins.

A virtual machine may give free memory back to its host. Fetching it again costs 1 to 2 ms a MB where this was found,
several times what a receiver costs, and which of the peers pays is chance: the same receiver took DX images at 350 or
at 1,000 MB/s. So the bench holds touched memory and lets go of it in the moment in which a measurement begins. What the
peers take is then at hand, as on a machine of its own.
"""

from __future__ import annotations

import mmap

MB = 2**20
_PAGE = mmap.PAGESIZE
_PRIVATE = getattr(mmap, "MAP_PRIVATE", 0) | getattr(mmap, "MAP_ANONYMOUS", 0)
HELD_MAX = 3 * 1024 * MB


class HeldMemory:
    """`count` bytes of memory, HELD_MAX at most, all of it touched."""

    def __init__(self, count: int) -> None:
        count = min(HELD_MAX, count)
        self._map = mmap.mmap(-1, count, flags=_PRIVATE)
        if hasattr(mmap, "MADV_HUGEPAGE"):
            self._map.madvise(mmap.MADV_HUGEPAGE)
        for start in range(0, count, _PAGE):
            self._map[start] = 1

    def release(self) -> None:
        """Now. May be called again."""
        self._map.close()
