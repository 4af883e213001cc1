"""Who waits for SQLite's write lock, seen by other processes: a lock on a file beside the database.

The system lets go of it when a process dies, so that nobody ever gives way to a dead one.
"""

from __future__ import annotations

import fcntl
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class WaitingLine:
    """For one process, of which one thread at a time waits. `database`: path of the database file; in memory (None,
    "" or ":memory:") no other process waits."""

    def __init__(self, database: str | None) -> None:
        self._path = f"{database}-waiting" if database and database != ":memory:" else ""
        self._fd = -1

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While the block runs, others see that somebody waits; never waits itself."""
        with suppress(BlockingIOError):  # somebody is looking this very moment, and may miss it once
            self._lock(fcntl.LOCK_SH)
        try:
            yield
        finally:
            self._lock(fcntl.LOCK_UN)

    def is_anyone_waiting(self) -> bool:
        """Whether another process is in the line; asked by a thread that is not in it itself."""
        try:
            self._lock(fcntl.LOCK_EX)
        except BlockingIOError:
            return True
        self._lock(fcntl.LOCK_UN)
        return False

    def _lock(self, operation: int) -> None:
        if self._path and self._fd < 0:
            self._open()
        if self._fd >= 0:
            fcntl.flock(self._fd, operation | fcntl.LOCK_NB)

    def _open(self) -> None:
        """At first use. Where there is no file to be had, there is no database either, and SQLite says so."""
        with suppress(OSError):
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            weakref.finalize(self, os.close, self._fd)
