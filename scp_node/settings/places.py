"""Where the parts of a node are: from the settings to database, spool, models and names."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scp_node.engine.jobs import JobQueue
from scp_node.host.disk_limits import RoomLimits
from scp_node.inference.packages import shipped_models_dir
from scp_node.ledger import Ledger
from scp_node.ledger.database import default_url, open_database
from scp_node.settings.model import Settings
from scp_node.storage.spool import Spool


def database_url(settings: Settings) -> str:
    return settings.storage.database_url or default_url(settings.node.data_dir)


def open_spool(settings: Settings) -> Spool:
    storage = settings.storage
    limits = RoomLimits(
        storage.used_percent_max, storage.free_bytes_min, storage.inodes_free_percent_min, storage.spool_bytes_max
    )
    return Spool(settings.node.data_dir / "spool", limits)


def wakeup_path(settings: Settings) -> Path:
    """The pipe by which receiver and commands wake the worker of this data folder."""
    return settings.node.data_dir / "locks" / "worker.wakeup"


def shadow_wakeup_path(settings: Settings) -> Path:
    """The pipe of the process that runs second models; nobody wakes it, it looks by itself."""
    return settings.node.data_dir / "locks" / "shadow.wakeup"


def worker_name(settings: Settings) -> str:
    """There is one worker for each data folder of a host, held by its lock."""
    folder = hashlib.sha256(str(settings.node.data_dir.resolve()).encode()).hexdigest()[:12]
    return f"{socket.gethostname()[:60]}-{folder}"


def models_dir(settings: Settings) -> Path:
    return settings.inference.models_dir or shipped_models_dir()


@contextmanager
def opened(settings: Settings, *, gives_way: bool = False) -> Iterator[tuple[Ledger, JobQueue]]:
    """Ledger and job queue over one database."""
    engine = open_database(database_url(settings))
    try:
        ledger = Ledger(engine, gives_way=gives_way)
        yield ledger, JobQueue(ledger)
    finally:
        engine.dispose()
