"""How much the spool may take: the watermark of its disk, the inodes of its disk, and a quota of its own."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from scp_node.errors import OutOfResources

# Other processes add results and delete what is old, so that the count of this one drifts: it is taken anew now and
# then, and sooner when the quota is used up, because room may have been made.
RECOUNT_S = 60.0
RECOUNT_WHEN_FULL_S = 5.0


@dataclass(frozen=True)
class DiskLimits:
    """When nothing more is taken; the defaults limit nothing."""

    used_percent_max: float = 100.0
    free_bytes_min: int = 0
    inodes_free_percent_min: float = 0.0
    spool_bytes_max: int | None = None
    incoming_bytes_max: int | None = None


@dataclass(frozen=True)
class Fullness:
    """share: of what the limits allow to be used, how much is, by the limit that is reached first; 1 = nothing more is
    taken. room_bytes: until then."""

    share: float
    room_bytes: float


class DiskSpace:
    """Says whether the folder may grow. One statvfs a call; files are only counted when there is a quota."""

    def __init__(self, root: Path, limits: DiskLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self._root, self._limits, self._clock = root, limits, clock
        self._lock = threading.Lock()
        self._counting = threading.Lock()
        self._bytes = self._added = 0
        self._counted_at: float | None = None

    def check(self, bytes_expected: int = 0) -> None:
        """Raise OutOfResources when `bytes_expected` more would be too many."""
        try:
            volume = os.statvfs(self._root)
        except OSError as error:
            raise OutOfResources(f"storage unavailable: {errno_name(error)}") from error
        self._check_disk(volume, bytes_expected)
        self._check_inodes(volume)
        if self._limits.spool_bytes_max is not None:
            self._check_quota(self._limits.spool_bytes_max, bytes_expected)

    def fullness(self) -> Fullness:
        """How far the limits are used up. Raises OSError when the disk cannot be asked."""
        volume, limits = os.statvfs(self._root), self._limits
        usable = (volume.f_blocks - volume.f_bfree + volume.f_bavail) * volume.f_frsize
        used = usable - volume.f_bavail * volume.f_frsize
        in_bytes = [(used, usable * limits.used_percent_max / 100), (used, usable - limits.free_bytes_min)]
        if limits.spool_bytes_max is not None:
            if self._is_due(RECOUNT_WHEN_FULL_S):
                self._recount()
            in_bytes.append((self._bytes, limits.spool_bytes_max))
        inodes = (volume.f_files - volume.f_favail, volume.f_files * (1 - limits.inodes_free_percent_min / 100))
        shares = [used / allowed if allowed > 0 else 1.0 for used, allowed in (*in_bytes, inodes)]
        return Fullness(
            max(shares if volume.f_files else shares[:-1]), min(allowed - used for used, allowed in in_bytes)
        )

    def took(self, count: int) -> None:
        """The folder holds `count` bytes more, or less when it is negative."""
        if self._limits.spool_bytes_max is not None:
            with self._lock:
                self._bytes += count
                self._added += max(count, 0)

    def _check_disk(self, volume: os.statvfs_result, bytes_expected: int) -> None:
        limits = self._limits
        free = volume.f_bavail * volume.f_frsize - bytes_expected
        usable = (volume.f_blocks - volume.f_bfree + volume.f_bavail) * volume.f_frsize
        used_percent = 100 * (1 - free / usable) if usable else 100.0
        if used_percent > limits.used_percent_max:
            raise OutOfResources(f"disk {used_percent:.0f} % used, limit {limits.used_percent_max:.0f} %")
        if free < limits.free_bytes_min:
            raise OutOfResources(f"disk has {free // 2**20} MiB free, limit {limits.free_bytes_min // 2**20} MiB")

    def _check_inodes(self, volume: os.statvfs_result) -> None:
        if not volume.f_files:  # a file system without a fixed number of them
            return
        free_percent, limit = 100 * volume.f_favail / volume.f_files, self._limits.inodes_free_percent_min
        if free_percent < limit:
            raise OutOfResources(f"disk has {free_percent:.1f} % of its inodes free, limit {limit:g} %")

    def _check_quota(self, limit: int, bytes_expected: int) -> None:
        if self._is_due(RECOUNT_S) or (self._bytes + bytes_expected > limit and self._is_due(RECOUNT_WHEN_FULL_S)):
            self._recount()
        if self._bytes + bytes_expected > limit:
            raise OutOfResources(f"spool holds {self._bytes // 2**20} MiB, limit {limit // 2**20} MiB")

    def _is_due(self, after_s: float) -> bool:
        return self._counted_at is None or self._clock() - self._counted_at >= after_s

    def _recount(self) -> None:
        """By one thread; the others go on with the old count, but for the first one, which all wait for."""
        if self._counting.acquire(blocking=self._counted_at is None):
            try:
                added_before = self._added
                found = _bytes_below(self._root)
                with self._lock:  # what came meanwhile may be counted twice, but is never left out
                    self._bytes = found + self._added - added_before
                    self._counted_at = self._clock()
            finally:
                self._counting.release()


def free_bytes(folder: Path) -> int:
    """What this user may still write to the disk of a folder. Raises OSError."""
    volume = os.statvfs(folder)
    return volume.f_bavail * volume.f_frsize


def errno_name(error: OSError) -> str:
    """ENOSPC, EIO...: what a sender's log shows of a failed call."""
    return errno.errorcode.get(error.errno or 0, type(error).__name__)


def _bytes_below(folder: Path) -> int:
    """Sum of the sizes of all files; what vanishes meanwhile counts for nothing."""
    total, waiting = 0, [os.fspath(folder)]
    while waiting:
        with suppress(FileNotFoundError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    with suppress(FileNotFoundError):
                        total += entry.stat(follow_symlinks=False).st_size
    return total
