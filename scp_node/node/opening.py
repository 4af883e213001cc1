"""Opens what a process of the node works with: ledger and job queue, from the settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from scp_node.engine.jobs import JobQueue
from scp_node.ledger import Ledger
from scp_node.ledger.database import open_database
from scp_node.settings.model import Settings
from scp_node.settings.places import database_url
from scp_node.settings.postgresql import DatabaseUser


@contextmanager
def opened(settings: Settings, user: DatabaseUser, *, gives_way: bool = False) -> Iterator[tuple[Ledger, JobQueue]]:
    """Ledger and job queue over one database, with the connections of `user`."""
    engine = open_database(database_url(settings), settings.storage.postgresql.limits(user))
    try:
        ledger = Ledger(engine, gives_way=gives_way)
        yield ledger, JobQueue()
    finally:
        engine.dispose()
