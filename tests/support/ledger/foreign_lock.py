"""A process that holds a shared lock on a file of the ledger until its input ends, as any program may that can read it.

`python -m tests.support.ledger.foreign_lock FILE` says "held", or why it cannot.
"""

from __future__ import annotations

import fcntl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def shared_lock(file: Path) -> Iterator[None]:
    """Hold it, from another process, while the block runs."""
    command = [sys.executable, "-m", __name__, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        said = process.stdout.readline()
        assert said == "held\n", said
        try:
            yield
        finally:
            process.stdin.close()


def main(file: str) -> None:
    try:
        with Path(file).open("rb") as opened:
            fcntl.lockf(opened, fcntl.LOCK_SH)
            print("held", flush=True)
            sys.stdin.read()
    except OSError as error:
        print(error.strerror, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
