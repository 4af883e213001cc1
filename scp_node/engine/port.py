"""What a work engine does for a node, whoever dispatches: an embedded dispatcher, or procrastinate on PostgreSQL.

The ledger is truth and fence: a job is its row there, entered in the transaction of what it is about, and nothing runs
that the ledger has not let a worker claim. An engine only says when to look at which job.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from scp_node.ledger import JobRow


@dataclass(frozen=True)
class Limit:
    """How many jobs of a queue run at the same time: in this process, and in all of them together; None: no matter."""

    here: int
    everywhere: int | None = None


Queues = Mapping[str, Limit]
Start = Callable[[JobRow], None]
"""Works on a job that was claimed here, until it has ended or the attempt has."""


class Engine(Protocol):
    """One per worker process. What is to be done comes from `JobQueue`, in any process."""

    def work(self, queues: Queues, start: Start) -> None:
        """Free what an earlier process of this worker held, then work from these queues; called again, from these."""

    def stop(self, drain_s: float) -> None:
        """Take no more work and wait for what runs, `drain_s` at most; the rest is claimed anew by whoever is next."""

    def recover(self) -> list[str]:
        """Have those jobs started again that a worker held which is dead; returns their ids."""
