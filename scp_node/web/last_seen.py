"""When sessions and tokens were used last: known here at once, and written into the ledger where that goes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

KEPT_MAX = 20_000


class LastSeen:
    """A full disk or a busy ledger locks nobody out: what cannot be written is remembered. Thread-safe."""

    def __init__(self) -> None:
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._at: OrderedDict[str, datetime] = OrderedDict()

    def of(self, key: str, written: datetime | None) -> datetime | None:
        """The later one of what is remembered and what the ledger has."""
        with self._lock:
            known = self._at.get(key)
        return max(known, written) if known and written else known or written

    def note(self, key: str, at: datetime, write: Callable[[], None]) -> None:
        """Remember it, and have it written unless somebody else waits for the ledger."""
        with self._lock:
            self._at[key] = at
            self._at.move_to_end(key)
            while len(self._at) > KEPT_MAX:
                self._at.popitem(last=False)
        if not self._writing.acquire(blocking=False):
            return
        try:
            with suppress(SQLAlchemyError, TimeoutError):
                write()
        finally:
            self._writing.release()
