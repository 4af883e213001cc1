"""On which file system a folder lies, and what that means for what is kept there."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")
# How the kernel writes a blank, a line end or a backslash in a path.
_ESCAPED = re.compile(r"\\([0-7]{3})")
NETWORK = frozenset(
    ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "fuse.ceph", "fuse.glusterfs", "fuse.sshfs", "lustre")
)
FLEETING = {"tmpfs": "memory", "ramfs": "memory", "overlay": "the writable layer of a container"}


@dataclass(frozen=True)
class FileSystem:
    """`kind` as the kernel calls it, `?` where it does not say; `mount_point` is where it begins."""

    kind: str
    mount_point: str

    @property
    def is_network(self) -> bool:
        """Whether another machine keeps the files, whose locks and fsync may not hold."""
        return self.kind in NETWORK

    @property
    def is_lost_in(self) -> str:
        """What ends together with the files; empty where they stay."""
        return FLEETING.get(self.kind, "")


def file_system_of(path: Path) -> FileSystem:
    """The file system of something that is there. Raises OSError where `path` cannot be looked at."""
    device = path.stat().st_dev
    wanted, real = f"{os.major(device)}:{os.minor(device)}", path.resolve()
    best = FileSystem("?", "/")
    for line in _mounts():
        fields, _, rest = line.partition(" - ")
        words = fields.split(" ")
        if len(words) < 5 or not rest:
            continue
        point = Path(_ESCAPED.sub(lambda found: chr(int(found[1], 8)), words[4]))
        is_here = words[2] == wanted or best.kind == "?"  # btrfs and others show one number and use another
        if is_here and real.is_relative_to(point) and len(str(point)) >= len(best.mount_point):
            best = FileSystem(rest.split(" ")[0], str(point))
    return best


def _mounts() -> list[str]:
    try:
        return MOUNTS.read_text(errors="replace").splitlines()
    except OSError:  # no Linux
        return []
