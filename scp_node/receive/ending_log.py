"""The lines that the log has of associations: one each, but the same trouble of the same peer is told once a minute."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from scp_node.receive.summary import Ending

log = logging.getLogger(__name__)

AGAIN_AFTER_S = 60.0
# Peers and troubles that are told apart; what comes beyond is counted together.
TROUBLES_MAX = 64
_Key = tuple[str, str, str]
_OTHERS: _Key = ("(others)", "", "")


@dataclass
class _Trouble:
    told_at: float
    untold: int = 0


class EndingLog:
    """Thread-safe. `tell_again` is to be called now and then."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._troubles: dict[_Key, _Trouble] = {}

    def write(self, ending: Ending) -> None:
        """Log it, at once where it is not a repetition."""
        if ending.level < logging.WARNING or self._is_new(ending):
            log.log(ending.level, "association ended", extra=ending.fields())

    def tell_again(self, at_end: bool = False) -> None:
        """A line for each trouble that was repeated and not told for a minute; at the end, for all that are left."""
        now = self._clock()
        with self._lock:
            due = [key for key, one in self._troubles.items() if at_end or now - one.told_at >= AGAIN_AFTER_S]
            told = [(key, self._troubles.pop(key)) for key in due]
            for key, one in told:
                if one.untold and not at_end:
                    self._troubles[key] = _Trouble(now)
        for (title, address, reason), one in told:
            if one.untold:
                log.warning(
                    "associations ended alike",
                    extra={
                        "calling_ae_title": title,
                        "address": address,
                        "outcome": reason,
                        "associations": one.untold,
                        "within_s": round(now - one.told_at, 1),
                    },
                )

    def _is_new(self, ending: Ending) -> bool:
        key = (ending.calling_ae_title, ending.address, ending.trouble)
        with self._lock:
            is_known = key in self._troubles
            is_new = not is_known and len(self._troubles) < TROUBLES_MAX
            if is_new:
                self._troubles[key] = _Trouble(self._clock())
            else:
                self._troubles.setdefault(key if is_known else _OTHERS, _Trouble(self._clock())).untold += 1
            return is_new
