"""Looks through the ledger for work that nobody will do any more, and has it done."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from scp_node.ledger import Ledger

log = logging.getLogger(__name__)


class Reconciler:
    """A thread that turns "stuck" into "late". `release_lost` makes claimable what no worker runs; `report_study`
    enqueues the report of a (study, route) pair."""

    def __init__(
        self,
        ledger: Ledger,
        release_lost: Callable[[], int],
        report_study: Callable[[str, str], None],
        interval_s: float,
    ) -> None:
        self._ledger, self._release_lost = ledger, release_lost
        self._report_study, self._interval_s = report_study, interval_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reconciler", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=10)

    def reconcile(self) -> int:
        """One pass; returns how much was found."""
        released = self._release_lost()
        if released:
            log.warning("lost jobs are started again", extra={"jobs": released})
        with self._ledger.reading() as tx:
            unreported = tx.instances.routes_to_report()
        for study_instance_uid, route in unreported:
            self._report_study(study_instance_uid, route)
        return released + len(unreported)

    def _run(self) -> None:
        while not self._stopped.wait(self._interval_s):
            try:
                self.reconcile()
            except Exception:
                log.exception("reconciling failed; next try in %s s", self._interval_s)
