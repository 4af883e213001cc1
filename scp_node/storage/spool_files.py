"""What the work on studies needs of the spool: the path of a file, a name for new bytes, evidence of received ones."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Protocol


class SpoolFiles(Protocol):
    """The part of the spool that the workflow uses."""

    def path(self, spool_name: str) -> Path: ...

    def put(self, name: str, data: bytes) -> Path: ...


def data_set_sha256(path: Path, data_bytes: int) -> str:
    """SHA-256 of the last `data_bytes` of a file: the data set as received, without the head that the node wrote.

    Raises OSError where the file cannot be read; a shorter one is another file.
    """
    with path.open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - data_bytes))
        return hashlib.file_digest(file, "sha256").hexdigest()
