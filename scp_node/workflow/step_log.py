"""What the steps of a job did: timed, put into a sentence each, and entered with the last transaction of the job."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from scp_node.ledger import Transaction
from scp_node.ledger.records import now_utc
from scp_node.telemetry import metrics


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
            took_s = time.perf_counter() - started
            metrics.step_seconds.labels(name).observe(took_s)
            self.entries.append(StepEntry(name, self.outcome, now_utc(), 1000 * took_s))

    def enter(self, tx: Transaction, running_step: str = "") -> None:
        """Write the entries to the ledger; `running_step` is the one that is doing so."""
        steps: list[tuple[str, str, datetime, float | None]]
        steps = [(one.name, one.outcome, one.ended_at, one.took_ms) for one in self.entries if one.outcome]
        if running_step:
            steps.append((running_step, self.outcome, now_utc(), None))
        tx.events.add_steps(self.study_instance_uid, self.subject, steps)

    @property
    def names(self) -> set[str]:
        """The steps that were begun."""
        return {entry.name for entry in self.entries}

    def timings(self) -> dict[str, float]:
        """Milliseconds by step, for the log line of the job."""
        return {f"{entry.name}_ms": round(entry.took_ms, 1) for entry in self.entries}
