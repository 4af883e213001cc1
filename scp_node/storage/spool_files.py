"""What the work on studies needs of the spool: the path of a file, and a name for new bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class SpoolFiles(Protocol):
    """The part of the spool that the workflow uses."""

    def path(self, spool_name: str) -> Path: ...

    def put(self, name: str, data: bytes) -> Path: ...
