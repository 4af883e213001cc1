"""Changed configurations that somebody looks at before they are put in place: few, in memory, for a while.

They are kept here because a page shows them without their secrets.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

DRAFTS_MAX, KEPT_S = 8, 3600.0


@dataclass
class Draft:
    """`posted`: the bytes as they came, `content`: with the secrets that were hidden from who posted them."""

    token: str
    owner: str
    posted: bytes
    content: bytes
    kept_until: float


class Drafts:
    """The drafts of everybody; the oldest makes room for a new one. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Draft] = OrderedDict()

    def add(self, owner: str, posted: bytes, content: bytes) -> Draft:
        draft = Draft(secrets.token_urlsafe(16), owner, posted, content, time.monotonic() + KEPT_S)
        with self._lock:
            self._kept[draft.token] = draft
            if len(self._kept) > DRAFTS_MAX:
                self._kept.popitem(last=False)
        return draft

    def get(self, token: str, owner: str) -> Draft | None:
        """None when it is another person's, or not kept any more."""
        with self._lock:
            draft = self._kept.get(token)
        is_kept = draft is not None and draft.owner == owner and time.monotonic() < draft.kept_until
        return draft if is_kept else None

    def drop(self, token: str) -> None:
        with self._lock:
            self._kept.pop(token, None)
