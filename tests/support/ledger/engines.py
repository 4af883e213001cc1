"""Work engines of a test: every kind of them, over every database that it runs on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from scp_node.engine.choice import open_engine
from scp_node.engine.port import Engine
from scp_node.engine.retry import retry_table
from scp_node.engine.wakeup import Waker, WakeUps
from scp_node.ledger import JobRow, Ledger
from scp_node.settings import Delivery, Workers

POLL_S = 0.2


@contextmanager
def engine_over(ledger: Ledger, folder: Path, worker: str, *, after: str = "", **workers: float) -> Iterator[Engine]:
    """The engine of that ledger, as a worker of this name has it; `workers` are its settings. It stops at the end."""
    retries = retry_table(Workers.model_validate(workers), Delivery())
    with closing(WakeUps(folder / worker)) as wakeups:
        engine = open_engine(ledger, worker, wakeups, lambda: retries, POLL_S, after)
        try:
            yield engine
        finally:
            engine.stop(5)


def wake(folder: Path, worker: str) -> None:
    """Tell the worker that there is something to do, as the receiver does."""
    with closing(Waker(folder / worker)) as waker:
        waker.wake()


class HeldWork:
    """Work that counts who is inside, and that nobody leaves before the gate is opened."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._changed = ledger, threading.Condition()
        self._open = threading.Event()
        self.ran: list[str] = []
        self.inside = self.most = 0

    def start(self, job: JobRow) -> None:
        with self._changed:
            self.ran.append(job.job_id)
            self.inside += 1
            self.most = max(self.most, self.inside)
            self._changed.notify_all()
        self._open.wait(60)
        with self._ledger.transaction() as tx:
            tx.jobs.hold(job)
            tx.jobs.update(job.job_id, state="done")
        with self._changed:
            self.inside -= 1
            self._changed.notify_all()

    def open(self) -> None:
        self._open.set()

    def open_after(self, wait_s: float) -> None:
        threading.Timer(wait_s, self.open).start()

    def wait_for(self, runs: int, timeout_s: float = 30) -> bool:
        """Until so many have come in."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.ran) >= runs, timeout_s)
