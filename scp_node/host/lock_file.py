"""Lock files, released when their holder ends: held by one, who says who it is, or by all who may go on together."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from scp_node.errors import ConfigurationError
from scp_node.host.ownership import cannot_write

# Whoever only looks holds the lock for a moment.
LOOK_S = 0.5
HOLDER_BYTES_MAX = 4096


@dataclass(frozen=True)
class LockHolder:
    """Who holds a lock: process, machine, since when. `is_ending`: it will let go soon. An older release says nothing
    of itself: `pid` is 0."""

    pid: int
    host: str
    since: datetime | None = None
    is_ending: bool = False

    def __str__(self) -> str:
        if not self.pid:
            return "a process of another release"
        since = "" if self.since is None else f", since {self.since.astimezone().isoformat(' ', 'seconds')}"
        return f"process {self.pid} on {self.host}{since}"


@dataclass(frozen=True)
class HeldLock:
    """A lock of this process."""

    file: TextIO
    since: datetime

    def say_ending(self) -> None:
        """Tell whoever looks that it is worth waiting."""
        _sign(self.file, self.since, is_ending=True)


@contextmanager
def exclusive(path: Path, wait_s: float, *, wait_for_the_living: bool = True, taken: str = "") -> Iterator[HeldLock]:
    """Hold a lock file alone, waiting up to `wait_s` for a predecessor that is still ending; unless
    `wait_for_the_living`, one that does not say so is not waited for. Raises ConfigurationError, which says `taken` or
    names the holder, when it stays, and when there can be no such file."""
    with _opened(path) as file:
        began = time.monotonic()
        while not _locked(file, fcntl.LOCK_EX):
            found = _read(file)
            patience_s = wait_s if wait_for_the_living or found.is_ending else LOOK_S
            if time.monotonic() > began + patience_s:
                raise ConfigurationError(taken or in_use(path.parent.parent, found))
            time.sleep(0.1)
        since = datetime.now(UTC)
        _sign(file, since)
        yield HeldLock(file, since)


@contextmanager
def shared(path: Path, wait_s: float, taken: str) -> Iterator[None]:
    """Hold a lock file together with others that share it. Raises ConfigurationError, which says `taken`, when one that
    holds it alone stays for `wait_s`."""
    with _opened(path) as file:
        began = time.monotonic()
        while not _locked(file, fcntl.LOCK_SH):
            if time.monotonic() > began + wait_s:
                raise ConfigurationError(taken)
            time.sleep(0.1)
        yield


def _opened(path: Path) -> TextIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path.open("a+")
    except OSError as error:
        raise ConfigurationError(cannot_write(path if path.exists() else path.parent, error)) from error


def _locked(file: TextIO, operation: int) -> bool:
    try:
        fcntl.flock(file, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def in_use(data_dir: Path, holder: LockHolder) -> str:
    """That somebody else has the folder, in words."""
    remedy = "Stop that one, or give this one a node.data_dir of its own."
    return f"{data_dir} is in use by another node: {holder}\n    {remedy}"


def holder_of(path: Path) -> LockHolder | None:
    """Who holds the lock file now, None when nobody does. Raises OSError where it cannot be looked at."""
    try:
        file = path.open()
    except (FileNotFoundError, NotADirectoryError):
        return None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read(file)
    return None


def _sign(file: TextIO, since: datetime, *, is_ending: bool = False) -> None:
    said = {"pid": os.getpid(), "host": socket.gethostname(), "since": since.isoformat(timespec="seconds")}
    with suppress(OSError):  # a full disk: the lock holds without a name, too
        os.ftruncate(file.fileno(), 0)
        os.pwrite(file.fileno(), json.dumps(said | {"is_ending": is_ending}).encode(), 0)


def _read(file: TextIO) -> LockHolder:
    try:
        said = json.loads(os.pread(file.fileno(), HOLDER_BYTES_MAX, 0))
        since = datetime.fromisoformat(said["since"])
        return LockHolder(int(said["pid"]), str(said["host"]), since, bool(said["is_ending"]))
    except (OSError, ValueError, TypeError, KeyError):  # an older release, or one that is signing this moment
        return LockHolder(0, "")
