"""One process at a time: a lock file that its holder's end releases."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scp_node.errors import ConfigurationError


@contextmanager
def exclusive(path: Path, wait_s: float) -> Iterator[None]:
    """Hold a lock file, waiting for a predecessor that is still ending. Raises ConfigurationError when it stays."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    deadline = time.monotonic() + wait_s
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ConfigurationError(f"{path.parent} is in use by another node") from None
                time.sleep(0.1)
        yield
