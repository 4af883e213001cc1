"""Remembers who called and what came of it, and writes it down every few seconds, beside the associations."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from scp_node.ledger.callers import CallerRecord, Tally
from scp_node.receive.ending_log import EndingLog
from scp_node.receive.summary import Ending

log = logging.getLogger(__name__)

WRITE_EVERY_S = 5.0
# Callers between two writes; those beyond are counted as one.
CALLERS_MAX = 200
OTHERS = "(others)"
ENDINGS_MAX = 1_000
_STOP_S = 2.0

Enter = Callable[[Sequence[CallerRecord]], None]


class CallerBook:
    """One for all associations of a listener. `enter` makes records durable; where it fails, it is asked again."""

    def __init__(self, enter: Enter = lambda records: None) -> None:
        self._enter = enter
        self._log = EndingLog()
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str, str], CallerRecord] = {}
        self._endings: list[tuple[Ending, datetime]] = []
        self._is_failing = False
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="callers", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what is left, as far as the ledger lets."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(_STOP_S)

    def ended(self, ending: Ending) -> None:
        """An association has ended, or a connection without one."""
        self._log.write(ending)
        # whoever only looks whether the port is open asked for nothing
        if ending.level >= logging.INFO and (ending.is_associated or ending.level >= logging.WARNING):
            with self._lock:  # a sender may wait: adding up is left to the thread that writes, up to a bound
                self._endings.append((ending, datetime.now(UTC)))
                if len(self._endings) >= ENDINGS_MAX:
                    self._add_up()

    def write(self) -> None:
        """Write what was not written yet. Called by one thread."""
        with self._lock:
            self._add_up()
            records, self._seen = list(self._seen.values()), {}
        if not records:
            return
        try:
            self._enter(records)
            self._is_failing = False
        except Exception as error:
            if not self._is_failing:
                log.warning("callers not entered, tried again", exc_info=error)
            self._is_failing = True
            with self._lock:
                later, self._seen = list(self._seen.values()), {}
                for record in (*records, *later):
                    self._remember(record)

    def _run(self) -> None:
        while not self._stopped.wait(WRITE_EVERY_S):
            self._log.tell_again()
            self.write()
        self._log.tell_again(at_end=True)
        self.write()

    def _add_up(self) -> None:
        endings, self._endings = self._endings, []
        for ending, moment in endings:
            self._remember(_record(ending, moment))

    def _remember(self, record: CallerRecord) -> None:
        key = record.key if record.key in self._seen or len(self._seen) < CALLERS_MAX else (OTHERS, "", "")
        known = self._seen.get(key)
        if known is None and key[0] == OTHERS:
            known = CallerRecord(*key, record.first_seen_at, record.last_seen_at)
        self._seen[key] = record if known is None else known.followed_by(record)


def _record(ending: Ending, moment: datetime) -> CallerRecord:
    once = Tally(1, moment)
    return CallerRecord(
        calling_ae_title=ending.calling_ae_title[:64],
        called_ae_title=ending.called_ae_title[:64],
        address=ending.address[:64],
        first_seen_at=moment,
        last_seen_at=moment,
        associations=int(ending.is_associated),
        silent=int(ending.is_associated and not ending.messages),
        stored=ending.stored,
        refused=ending.objects_refused,
        last_stored_at=moment if ending.stored else None,
        last_refused_at=moment if ending.objects_refused else None,
        last_refusal=ending.last_refusal,
        rejections={} if ending.is_associated else {ending.outcome: once},
        contexts=dict.fromkeys(ending.contexts, once),
    )
