"""Opens what a process of the node works with: spool, ledger and job queue, from the settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from scp_node.engine.jobs import JobQueue
from scp_node.host.disk_space import DiskLimits
from scp_node.ledger import Ledger
from scp_node.ledger.database import open_database
from scp_node.settings.model import Settings
from scp_node.settings.places import database_url
from scp_node.storage.spool import Spool


def open_spool(settings: Settings) -> Spool:
    storage = settings.storage
    limits = DiskLimits(
        storage.used_percent_max,
        storage.free_bytes_min,
        storage.inodes_free_percent_min,
        storage.spool_bytes_max,
        storage.incoming_bytes_max,
    )
    return Spool(settings.node.data_dir / "spool", limits)


@contextmanager
def opened(settings: Settings, *, gives_way: bool = False) -> Iterator[tuple[Ledger, JobQueue]]:
    """Ledger and job queue over one database."""
    engine = open_database(database_url(settings))
    try:
        ledger = Ledger(engine, gives_way=gives_way)
        yield ledger, JobQueue()
    finally:
        engine.dispose()
