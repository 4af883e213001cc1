"""Evidence of received bytes: the digest that the ledger keeps of what was judged."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def data_set_sha256(path: Path, data_bytes: int) -> str:
    """SHA-256 of the last `data_bytes` of a file: the data set as received, without the head that the node wrote.

    Raises OSError where the file cannot be read; a shorter one is another file.
    """
    with path.open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - data_bytes))
        return hashlib.file_digest(file, "sha256").hexdigest()
