"""The limits of section storage, as those of a disk."""

from __future__ import annotations

from scp_node.host.disk_space import DiskLimits
from scp_node.settings import Storage


def disk_limits(storage: Storage) -> DiskLimits:
    return DiskLimits(
        storage.used_percent_max,
        storage.free_bytes_min,
        storage.inodes_free_percent_min,
        storage.spool_bytes_max,
        storage.incoming_bytes_max,
    )
