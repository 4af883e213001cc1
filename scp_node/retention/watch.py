"""The thread of the worker that sweeps now and then, foretells when the disk is full, and ends unfinished erasures."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from scp_node.ledger import Ledger
from scp_node.ledger import tables as t
from scp_node.ledger.database import leave_nothing_behind
from scp_node.ledger.records import now_utc
from scp_node.retention.forecast import Forecast, forecast
from scp_node.retention.strays import StraySweep
from scp_node.retention.sweep import Sweep
from scp_node.settings import Retention
from scp_node.storage.blobs import Blobs
from scp_node.telemetry import metrics

log = logging.getLogger(__name__)
FORETOLD_EVERY_S = 600.0
FINISH_WAIT_S = 5.0
FINISH_AGAIN_S = 3600.0


class RetentionWatch:
    """Sweeps every settings.sweep_s seconds, until it is stopped."""

    def __init__(self, ledger: Ledger, spool: Blobs, sweep: Sweep, settings: Callable[[], Retention]) -> None:
        self._ledger, self._spool, self._sweep, self._settings = ledger, spool, sweep, settings
        self._strays = StraySweep(ledger, spool)
        self._foretell_at = self._finish_at = -math.inf
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="retention", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=10)

    def look(self) -> None:
        """Sweep once, and say what the metrics say."""
        self._sweep.sweep()
        self._finish_erasures()
        self._strays.sweep_when_due()
        if time.monotonic() >= self._foretell_at:
            self._foretell_at = time.monotonic() + FORETOLD_EVERY_S
            self.foretell()

    def foretell(self) -> Forecast:
        """When the disk will be full at this rate, and how old the oldest image is."""
        now = now_utc()
        with self._ledger.reading() as tx:
            seen = forecast(tx, self._spool.fullness().room_bytes, now)
            oldest = tx.connection.execute(
                sa.select(sa.func.min(t.study.c.first_received_at)).where(t.HAS_IMAGES)
            ).scalar_one()
        metrics.disk_full_in_days.set(seen.full_in_days)
        metrics.oldest_image_days.set(0 if oldest is None else (now - oldest) / timedelta(days=1))
        return seen

    def _finish_erasures(self) -> None:
        """Where others were using the database when something was erased, its free space is cleared later."""
        if time.monotonic() < self._finish_at:
            return
        with self._ledger.reading() as tx:
            unfinished = [one for one in tx.erasures.all() if one.finished_at is None]
            is_unlinked = tx.removals.count_waiting() == 0
        if not unfinished or not is_unlinked:
            return
        try:
            leave_nothing_behind(self._ledger.engine, FINISH_WAIT_S)
        except (TimeoutError, SQLAlchemyError) as error:
            self._finish_at = time.monotonic() + FINISH_AGAIN_S
            log.warning("erasure not finished", extra={"reason": str(error), "next_try_in_s": FINISH_AGAIN_S})
            return
        with self._ledger.transaction() as tx:
            for one in unfinished:
                tx.erasures.finish(one.erasure_id, now_utc())
                log.info("erasure finished", extra={"erasure_id": one.erasure_id})

    def _run(self) -> None:
        while not self._stopped.wait(self._settings().sweep_s):
            try:
                self.look()
            except Exception:
                log.exception("retention failed; next try in %s s", self._settings().sweep_s)
