"""Tells a worker on this machine that there is something to do, so that nobody has to look all the time.

A named pipe in the data folder: whoever enters a job writes a byte, the worker waits for it. A byte that is lost costs
one period of polling, never a job.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
from pathlib import Path

_BYTES_MAX = 65536


class Waker:
    """The writing end; may be used from any thread of any process, also when no worker runs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1
        self._lock = threading.Lock()

    def wake(self) -> None:
        """Never blocks and never fails: a full pipe has woken the worker already, an absent one has no reader."""
        with self._lock:
            try:
                if self._fd < 0:
                    self._fd = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
                os.write(self._fd, b"!")
            except BlockingIOError:
                return
            except OSError:  # the reader is gone: the next call looks for a new one
                self._close()

    def close(self) -> None:
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class WakeUps:
    """The reading end, one for each worker."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.suppress(FileExistsError):
            os.mkfifo(path, 0o600)
        # open for writing too: the pipe never ends, and this process can wake itself
        self._fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLIN)
        self._lock = threading.Lock()

    def wake(self) -> None:
        """From any thread, also when the pipe is closed: its number may belong to another file by then."""
        with self._lock, contextlib.suppress(BlockingIOError):
            if self._fd >= 0:
                os.write(self._fd, b"!")

    def wait(self, timeout_s: float) -> None:
        """Return at the next byte, or after `timeout_s`."""
        if self._poll.poll(max(0.0, 1000 * timeout_s)):
            with contextlib.suppress(BlockingIOError):
                os.read(self._fd, _BYTES_MAX)

    def close(self) -> None:
        with self._lock:
            os.close(self._fd)
            self._fd = -1
