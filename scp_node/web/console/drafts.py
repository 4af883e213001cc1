"""Changed configurations that somebody looks at before they are put in place: few, in memory, for a while.

They are kept here because a page shows them without their secrets.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from scp_node.queries.newest_images import SpooledImage

DRAFTS_MAX, KEPT_S = 8, 3600.0
EXAMPLES_MAX = 3
# What becomes of an image under the present routes, and under the changed ones.
Change = tuple[str, str]


@dataclass
class Replay:
    """How far images have been tried on the changed routes, and what came of it."""

    images: tuple[SpooledImage, ...]
    days: int
    done: int = 0
    unreadable: int = 0
    unchanged: int = 0
    changes: Counter[Change] = field(default_factory=Counter)
    examples: dict[Change, list[str]] = field(default_factory=dict)
    failure: str = ""
    turn: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_done(self) -> bool:
        return self.done >= len(self.images)

    def next(self, count: int) -> Sequence[SpooledImage]:
        return self.images[self.done : self.done + count]

    def add(self, image: SpooledImage, before: str, after: str) -> None:
        if before == after:
            self.unchanged += 1
            return
        self.changes[before, after] += 1
        studies = self.examples.setdefault((before, after), [])
        if image.study_instance_uid not in studies and len(studies) < EXAMPLES_MAX:
            studies.append(image.study_instance_uid)


@dataclass
class Draft:
    """`posted`: the bytes as they came, `content`: with the secrets that were hidden from who posted them."""

    token: str
    owner: str
    posted: bytes
    content: bytes
    kept_until: float
    replay: Replay | None = None


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
