"""One lock per SOP Instance UID, held while an instance is entered into the ledger."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class UidLocks:
    """Locks exist only while somebody holds or awaits them."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[str, tuple[threading.Lock, int]] = {}

    @contextmanager
    def of(self, uid: str) -> Iterator[None]:
        with self._guard:
            lock, users = self._locks.get(uid, (threading.Lock(), 0))
            self._locks[uid] = lock, users + 1
        try:
            with lock:
                yield
        finally:
            with self._guard:
                lock, users = self._locks.pop(uid)
                if users > 1:
                    self._locks[uid] = lock, users - 1
