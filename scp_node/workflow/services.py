"""What the steps work with: the parts of a worker, put together once by the node."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from scp_node.decode.pool import DecodePool
from scp_node.deliver.destinations import Destinations
from scp_node.engine.jobs import JobQueue
from scp_node.inference.loaded_models import LoadedModels
from scp_node.ledger import Ledger
from scp_node.ledger.records import now_utc
from scp_node.settings import Route, Settings
from scp_node.storage.previews import PreviewStore
from scp_node.storage.spool import SpoolFiles


@dataclass(frozen=True)
class Services:
    """`settings` is called anew for each job, so that a reload takes effect with the next one."""

    settings: Callable[[], Settings]
    ledger: Ledger
    jobs: JobQueue
    spool: SpoolFiles
    previews: PreviewStore
    models: LoadedModels
    decode_pool: DecodePool
    destinations: Destinations

    def route(self, name: str) -> Route | None:
        return next((route for route in self.settings().routes if route.name == name), None)


@dataclass(frozen=True)
class StepEntry:
    """One step that ran: what came of it, when it ended and how long it took."""

    name: str
    outcome: str
    ended_at: datetime
    took_ms: float


@dataclass
class StepLog:
    """Collects what each step did, to be entered with the job's last transaction."""

    study_instance_uid: str
    subject: str
    entries: list[StepEntry] = field(default_factory=list)
    outcome: str = ""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time one step; a step may set `outcome` to the sentence that `hilum explain` shows, or to nothing."""
        self.outcome = "done"
        started = time.perf_counter()
        try:
            yield
        except Exception as error:
            self.outcome = f"failed: {getattr(error, 'code', type(error).__name__)}"
            raise
        finally:
            self.entries.append(StepEntry(name, self.outcome, now_utc(), 1000 * (time.perf_counter() - started)))

    def enter(self, tx: sa.Connection, ledger: Ledger, running_step: str = "") -> None:
        """Write the entries to the ledger; `running_step` is the one that is doing so."""
        steps: list[tuple[str, str, datetime, float | None]]
        steps = [(one.name, one.outcome, one.ended_at, one.took_ms) for one in self.entries if one.outcome]
        if running_step:
            steps.append((running_step, self.outcome, now_utc(), None))
        ledger.add_steps(tx, self.study_instance_uid, self.subject, steps)

    def timings(self) -> dict[str, float]:
        """Milliseconds by step, for the log line of the job."""
        return {f"{entry.name}_ms": round(entry.took_ms, 1) for entry in self.entries}
