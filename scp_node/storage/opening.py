"""Opens the place where a node keeps bytes, as section storage says."""

from __future__ import annotations

from dataclasses import replace

from scp_node.errors import ConfigurationError
from scp_node.settings import Settings
from scp_node.settings.places import copies_dir, part_locks_dir, spool_dir
from scp_node.storage.blobs import Blobs
from scp_node.storage.limits import disk_limits
from scp_node.storage.spool import Spool


def open_blobs(settings: Settings) -> Blobs:
    """What `storage.blobs` says. Raises ConfigurationError where its library is not installed."""
    storage = settings.storage
    if storage.blobs == "s3":
        return _object_blobs(settings)
    locks = part_locks_dir(settings) if storage.blobs == "shared" else None
    return Spool(spool_dir(settings), disk_limits(storage), locks=locks)


def _object_blobs(settings: Settings) -> Blobs:
    try:
        from scp_node.storage.object_blobs import ObjectBlobs
        from scp_node.storage.object_store import ObjectStore, opened_store
    except ImportError as error:
        raise ConfigurationError("storage.blobs: s3 needs the library obstore: pip install 'hilum[s3]'") from error
    s3, limits = settings.storage.s3, replace(disk_limits(settings.storage), spool_bytes_max=None)
    folder = copies_dir(settings)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return ObjectBlobs(folder, ObjectStore(opened_store(s3), s3.pause_s), limits, s3.cache_bytes_max)
