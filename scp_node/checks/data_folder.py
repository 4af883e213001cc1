"""The data folder: can it be made and written by this user, is it private, where does it lie, and how full is that."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

from scp_node.checks.result import CheckedNode, CheckResult, obstacle, ok, problem, warning
from scp_node.errors import OutOfResources
from scp_node.host.disk_space import DiskSpace
from scp_node.host.file_system import file_system_of
from scp_node.host.ownership import cannot_write, nearest, owned_by
from scp_node.host.private_folder import opened_by_another
from scp_node.settings.places import spool_dir
from scp_node.storage.limits import disk_limits

LOC = ("node", "data_dir")
GB = 1e9
CONFIGURATIONS = Path("/etc")


def data_folder(node: CheckedNode) -> Iterator[CheckResult]:
    """Looks and writes nothing."""
    folder = node.settings.node.data_dir
    refusal = _refusal(folder)
    if refusal:
        fact, _, remedy = refusal.partition("\n")
        yield obstacle(fact, remedy.strip(), LOC)
        return
    there = nearest(folder)
    system = file_system_of(there)
    state = owned_by(folder) if there == folder else "will be made"
    yield ok(f"{folder}: {state}, on {system.kind} mounted at {system.mount_point}")
    if folder.is_relative_to(CONFIGURATIONS):
        yield warning(f"{folder} would hold patient data beside configurations", "Write data_dir: /var/lib/hilum.", LOC)
    if system.is_network:
        yield warning(
            f"{system.kind} is a network file system: locks and fsync of the ledger may not hold there",
            "Move data_dir to a local disk.",
            LOC,
        )
    if system.is_lost_in:
        yield warning(
            f"{system.mount_point} is {system.is_lost_in}: images, ledger and results end with it",
            "Mount a disk or volume there.",
            LOC,
        )


def disk(node: CheckedNode) -> Iterator[CheckResult]:
    """Space and inodes against section storage: beyond its limits the node runs, and refuses new images."""
    storage = node.settings.storage
    there = nearest(spool_dir(node.settings))
    volume = os.statvfs(there)
    free, usable = volume.f_bavail * volume.f_frsize, volume.f_blocks - volume.f_bfree + volume.f_bavail
    used_percent = 100 * (1 - volume.f_bavail / usable) if usable else 100.0
    inodes = f", {100 * volume.f_favail / volume.f_files:.0f} % of inodes free" if volume.f_files else ""
    fact = (
        f"{used_percent:.0f} % used (limit {storage.used_percent_max:g} %), {free / GB:.1f} GB free "
        f"(limit {storage.free_bytes_min / GB:.1f} GB){inodes}"
    )
    try:
        spool = spool_dir(node.settings)
        DiskSpace(spool if spool.is_dir() else there, disk_limits(storage)).check()
    except OutOfResources as refusal:
        yield problem(
            f"new images are refused: {refusal}; {fact}", "Make room, or change section storage.", ("storage",)
        )
    else:
        yield ok(fact)


def _refusal(folder: Path) -> str:
    """Why this user cannot use the folder; two lines, or nothing."""
    there = nearest(folder)
    if not there.is_dir():
        return cannot_write(
            folder, NotADirectoryError(errno.ENOTDIR, "is no folder" if there == folder else f"{there} is no folder")
        )
    if there == folder and (refusal := opened_by_another(folder)):
        return refusal
    for path in (there, *(_parts(folder) if there == folder else ())):
        wanted = os.R_OK | os.W_OK | (os.X_OK if path.is_dir() else 0)
        if not os.access(path, wanted, effective_ids=True):
            code = errno.EROFS if os.statvfs(there).f_flag & os.ST_RDONLY else errno.EACCES
            return cannot_write(folder if path == there else path, OSError(code, os.strerror(code)))
    return ""


def _parts(folder: Path) -> list[Path]:
    """What a node keeps directly in its folder."""
    try:
        return sorted(path for path in folder.iterdir() if not path.is_symlink())
    except OSError:
        return []
