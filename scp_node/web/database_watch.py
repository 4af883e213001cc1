"""Looks at the database in a thread of its own, so that no request waits for one that hangs."""

from __future__ import annotations

import logging
import threading
import time

from sqlalchemy.exc import SQLAlchemyError

from scp_node.ledger import Ledger
from scp_node.ledger.records import now_utc
from scp_node.telemetry import metrics

log = logging.getLogger(__name__)
LOOK_EVERY_S = 2.0
SILENT_MAX_S = 8.0


class DatabaseWatch:
    """Whether the ledger can be read, and how many jobs and deliveries wait in it, and which hosts work on it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        # Those that work was ever seen in, so that one which is empty again has an age of 0.
        self._queues: set[str] = set()
        self._stopped = threading.Event()
        self._answered_at = time.monotonic()
        self._fault = "was not asked yet"
        self._thread = threading.Thread(target=self._run, name="database-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=5)

    def obstacles(self, now: float) -> list[str]:
        """Why the database cannot be used now; empty when it can."""
        if now - self._answered_at > SILENT_MAX_S:
            return [f"no answer for {now - self._answered_at:.0f} s"]
        return [self._fault] if self._fault else []

    def look(self) -> None:
        """Count once. What cannot be counted is not shown, instead of as it was."""
        try:
            with self._ledger.reading() as tx:
                jobs, deliveries, oldest = tx.jobs.count_live(), tx.deliveries.count(), tx.jobs.oldest_due()
                hosts, moment = tx.hosts.all(), tx.hosts.moment()
        except (SQLAlchemyError, OSError) as error:
            if not self._fault:
                log.error("the database cannot be read", exc_info=error)
            self._fault = f"cannot be read: {type(error).__name__}"
            metrics.jobs.clear()
            metrics.deliveries.clear()
            metrics.queue_age.clear()
            metrics.host_silent_seconds.clear()
        else:
            self._fault = ""
            for (kind, state), count in jobs.items():
                metrics.jobs.labels(kind, state).set(count)
            for state, count in deliveries.items():
                metrics.deliveries.labels(state).set(count)
            metrics.host_silent_seconds.clear()
            for sign in hosts:  # of two with one name the last one counts
                silent_s = max(0.0, (moment - sign.signed_at).total_seconds())
                metrics.host_silent_seconds.labels(sign.host_id, sign.role).set(silent_s)
            self._queues |= oldest.keys()
            for queue in self._queues:
                since = oldest.get(queue)
                age_s = 0.0 if since is None else (now_utc() - since).total_seconds()
                metrics.queue_age.labels(queue).set(max(0.0, age_s))
        self._answered_at = time.monotonic()

    def _run(self) -> None:
        self.look()
        while not self._stopped.wait(LOOK_EVERY_S):
            self.look()
