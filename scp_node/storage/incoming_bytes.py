"""How many bytes of unfinished files there may be at one time, all associations together."""

from __future__ import annotations

import threading

from scp_node.errors import OutOfResources


class IncomingBytes:
    """Counts what is on its way in; None = no maximum. Thread-safe."""

    def __init__(self, bytes_max: int | None) -> None:
        self._bytes_max = bytes_max
        self._lock = threading.Lock()
        self._bytes = 0

    def check(self) -> None:
        """Raise OutOfResources when nothing more may begin."""
        if self._bytes_max is not None and self._bytes >= self._bytes_max:
            raise self._refusal(self._bytes_max)

    def add(self, count: int) -> None:
        """`count` bytes more, or less when it is negative. Raises OutOfResources, and does not count them, when they
        would be too many."""
        with self._lock:
            if count > 0 and self._bytes_max is not None and self._bytes + count > self._bytes_max:
                raise self._refusal(self._bytes_max)
            self._bytes += count

    def _refusal(self, bytes_max: int) -> OutOfResources:
        return OutOfResources(f"{bytes_max // 2**20} MiB are being received already, try again")
