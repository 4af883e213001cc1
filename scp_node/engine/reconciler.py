"""Looks now and then for work that nobody will do any more, and has it done."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReconcilerCheck:
    """One kind of work that may be lost. `name` is what the log says when some was found; `look` finds it, has it done
    and returns how much it was."""

    name: str
    look: Callable[[], int]


class Reconciler:
    """A thread that turns "stuck" into "late"."""

    def __init__(self, checks: Sequence[ReconcilerCheck], interval_s: float) -> None:
        self._checks, self._interval_s = checks, interval_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reconciler", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=10)

    def reconcile(self) -> int:
        """Make each check once, whatever becomes of the others; returns how much was found."""
        return sum(self._make(check) for check in self._checks)

    def _make(self, check: ReconcilerCheck) -> int:
        try:
            found = check.look()
        except Exception:
            log.exception("reconciling failed", extra={"check": check.name, "next_try_in_s": self._interval_s})
            return 0
        if found:
            log.warning(check.name, extra={"found": found})
        return found

    def _run(self) -> None:
        while not self._stopped.wait(self._interval_s):
            self.reconcile()
