"""Looks at the drift of all senders now and then: metrics, and a line in the log when a state changes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta

from prometheus_client import Gauge

from scp_node.ledger import Ledger
from scp_node.ledger.records import now_utc
from scp_node.monitoring.drift import STATES, DriftState, ReferenceOf, SenderDrift, drift_of
from scp_node.settings import Drift
from scp_node.telemetry import metrics

log = logging.getLogger(__name__)
LOOK_EVERY_S = 60.0
SHADOWS_KEPT = timedelta(days=400)
LEVELS: dict[DriftState, int] = {"watch": logging.WARNING, "alarm": logging.ERROR}


Sender = tuple[str, str, str]


class DriftWatch:
    """A thread of the worker; it removes what the ledger need not keep, too. Senders of models that are not among
    `models()` any more are left out, so that their series end."""

    def __init__(
        self, ledger: Ledger, settings: Callable[[], Drift], reference_of: ReferenceOf, models: Callable[[], set[str]]
    ) -> None:
        self._ledger, self._settings, self._reference_of, self._models = ledger, settings, reference_of, models
        self._states: dict[Sender, DriftState] = {}
        self._tidied_on: date | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="drift-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=10)

    def look(self) -> list[SenderDrift]:
        """Compare once; set the metrics and tell what has changed."""
        self._tidy()
        models = self._models()
        seen = [one for one in drift_of(self._ledger, self._settings(), self._reference_of) if one.model in models]
        by_sender = {(one.model, one.ae_title, one.station): one for one in seen}
        for labels in self._states.keys() - by_sender.keys():
            for gauge in (metrics.drift_index, metrics.drift_alarm, metrics.drift_images):
                _end_series(gauge, labels)
        for labels, one in by_sender.items():
            metrics.drift_alarm.labels(*labels).set(one.state == "alarm")
            metrics.drift_images.labels(*labels).set(one.images)
            if one.worst is None:
                _end_series(metrics.drift_index, labels)
            else:
                metrics.drift_index.labels(*labels).set(one.worst.index)
        self._tell(by_sender)
        return seen

    def _tidy(self) -> None:
        """Once a day."""
        today = now_utc().date()
        if today != self._tidied_on:
            with self._ledger.transaction() as tx:
                tx.drift_counts.forget()
                tx.shadows.forget(now_utc() - SHADOWS_KEPT)
            self._tidied_on = today

    def _tell(self, seen: dict[Sender, SenderDrift]) -> None:
        for key, one in seen.items():
            before = self._states.get(key)
            if one.state == before or (before is None and one.state not in LEVELS):
                continue
            worst = one.worst
            log.log(
                LEVELS.get(one.state, logging.INFO),
                f"drift: {one.state}",
                extra={
                    "model": one.model,
                    "ae_title": one.ae_title,
                    "station": one.station,
                    "before": before or "not looked at",
                    "meaning": STATES[one.state],
                    "images": one.images,
                    **({} if worst is None else {"worst": worst.name, "psi": round(worst.index, 3)}),
                },
            )
        self._states = {key: one.state for key, one in seen.items()}

    def _run(self) -> None:
        while True:
            try:
                self.look()
            except Exception:
                log.exception("drift cannot be looked at; next try in %s s", LOOK_EVERY_S)
            if self._stopped.wait(LOOK_EVERY_S):
                return


def _end_series(gauge: Gauge, labels: Sender) -> None:
    """Series that go on are set in place and never taken away, so that no scrape finds an alarm missing."""
    with suppress(KeyError):
        gauge.remove(*labels)
