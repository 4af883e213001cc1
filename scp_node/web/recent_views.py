"""Who has looked at which study a moment ago, so that a page that is reloaded is not told again and again."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

AGAIN_AFTER_S = 600.0
VIEWS_MAX = 20_000


class RecentViews:
    """Remembers the last VIEWS_MAX. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._last: OrderedDict[tuple[str, str], float] = OrderedDict()

    def is_new(self, who: str, study_instance_uid: str) -> bool:
        """Whether this view is to be told; it is remembered then."""
        now, key = self._clock(), (who, study_instance_uid)
        with self._lock:
            last = self._last.get(key)
            if last is not None and now - last < AGAIN_AFTER_S:
                return False
            self._last[key] = now
            self._last.move_to_end(key)
            while len(self._last) > VIEWS_MAX:
                self._last.popitem(last=False)
            return True

    def forget(self, who: str, study_instance_uid: str) -> None:
        """It could not be told: the next view is."""
        with self._lock:
            self._last.pop((who, study_instance_uid), None)
