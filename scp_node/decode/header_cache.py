"""The last headers that children sent, by file: the report of a study needs those that its images were routed by."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict

from scp_node.decode.header_message import HeaderRead

HEADERS_MAX = 64
FileState = tuple[int, int, int, int]


class HeaderCache:
    """At most HEADERS_MAX of them; a file that was written or replaced meanwhile is another one. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[FileState, HeaderRead] = OrderedDict()

    def get(self, file: FileState) -> HeaderRead | None:
        with self._lock:
            return self._kept.get(file)

    def put(self, file: FileState, header: HeaderRead) -> None:
        with self._lock:
            self._kept[file] = header
            if len(self._kept) > HEADERS_MAX:
                self._kept.popitem(last=False)


def state_of(descriptor: int) -> FileState:
    """What tells an open file from every other one, and from itself after a change."""
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size
