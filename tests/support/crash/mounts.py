"""File systems of a test: where they can be mounted, and a tmpfs of any size."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def mount(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["mount", *map(str, words)], capture_output=True, text=True, check=False)


@contextmanager
def tmpfs(folder: Path, options: str) -> Iterator[Path]:
    """A file system in memory, e.g. of options `size=4m`; `folder` is made for it."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@functools.cache
def why_no_tmpfs() -> str:
    """Why none can be mounted here; empty when one can."""
    if os.geteuid() != 0:
        return "only root can mount a tmpfs"
    with tempfile.TemporaryDirectory() as folder:
        try:
            with tmpfs(Path(folder) / "disk", "size=64k"):
                return ""
        except subprocess.CalledProcessError:
            return "a tmpfs cannot be mounted here"


@functools.cache
def why_no_disk_image() -> str:
    """Why no ext4 image can be mounted here, in a mount namespace of its own; empty when one can."""
    if os.geteuid() != 0:
        return "only root can mount a disk image"
    if missing := [name for name in ("mkfs.ext4", "unshare", "mount") if shutil.which(name) is None]:
        return f"not installed: {', '.join(missing)}"
    with tempfile.TemporaryDirectory() as folder:
        script = "truncate -s 8M image && mkfs.ext4 -q -F image && mkdir -p disk && mount -o loop image disk"
        tried = subprocess.run(["unshare", "--mount", "sh", "-c", script], cwd=folder, capture_output=True, check=False)
        return "" if tried.returncode == 0 else "no disk image can be mounted through a loop device here"
