"""Opens what a process of the node works with: ledger, job queue and work engine, from the settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from scp_node.engine.choice import open_engine
from scp_node.engine.jobs import JobQueue
from scp_node.engine.port import Queues
from scp_node.engine.retry import Retries
from scp_node.engine.runner import JobRunner
from scp_node.engine.wakeup import WakeUps
from scp_node.ledger import Ledger
from scp_node.ledger.database import open_database
from scp_node.ledger.job_order import go_by, head_starts
from scp_node.settings.model import Settings
from scp_node.settings.places import database_url
from scp_node.settings.postgresql import DatabaseUser

Work = Callable[[Queues], None]
"""Works from these queues from now on."""


@contextmanager
def opened(settings: Settings, user: DatabaseUser, *, gives_way: bool = False) -> Iterator[tuple[Ledger, JobQueue]]:
    """Ledger and job queue over one database, with the connections of `user`."""
    engine = open_database(database_url(settings), settings.storage.postgresql.limits(user))
    go_by(engine, head_starts(settings))
    try:
        ledger = Ledger(engine, gives_way=gives_way)
        yield ledger, JobQueue()
    finally:
        engine.dispose()


@contextmanager
def working(
    settings: Settings, ledger: Ledger, name: str, pipe: Path, runner: JobRunner, retries: Retries, *, after: str = ""
) -> Iterator[Work]:
    """A work engine, under a name that no other one has; it stops in order. `pipe`: by which it is woken. `after`: a
    queue that goes before all of its own."""
    with closing(WakeUps(pipe)) as wakeups:
        engine = open_engine(ledger, name, wakeups, retries, settings.workers.poll_s, after)
        try:
            yield lambda queues: engine.work(queues, runner.run)
        finally:
            engine.stop(settings.workers.drain_s)
