"""Calls a remote AE (C-ECHO), enters whether it was reached and what it takes, and remembers how each was found the
last time for as long as the process lives."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime

from scp_node.checks.remote_ae import RemoteAECall, RemoteAEReport, ask_remote_ae
from scp_node.deliver.destinations import destination_named
from scp_node.errors import UsageError
from scp_node.ledger import Ledger
from scp_node.ledger.records import now_utc
from scp_node.operations.acts import Operator
from scp_node.settings import Settings
from scp_node.workflow.outage import note_reached


class EchoBook:
    """The last call to each destination of the configuration; thread-safe. One is called once at a time."""

    def __init__(
        self, ledger: Ledger, ask: Callable[[Settings, str, datetime], RemoteAEReport] = ask_remote_ae
    ) -> None:
        self._ledger, self._ask = ledger, ask
        self._lock = threading.Lock()
        self._last: dict[str, RemoteAECall] = {}
        self._calling: set[str] = set()

    def last(self) -> Mapping[str, RemoteAECall]:
        with self._lock:
            return dict(self._last)

    def call(self, settings: Settings, name: str, operator: Operator) -> RemoteAECall:
        """Call it now; nothing is stored there, and whoever does not answer is a problem of the report. Raises
        UsageError for an unknown name, or while it is being called."""
        destination_named(settings, name)
        with self._lock:
            if name in self._calling:
                raise UsageError(f"{name} is being called already")
            self._calling.add(name)
        try:
            report = self._ask(settings, name, now_utc())
            call = RemoteAECall(now_utc(), report)
            with self._lock:
                self._last = {known: one for known, one in self._last.items() if known in settings.destination_names}
                self._last[name] = call
            _enter(self._ledger, name, call)
        finally:
            with self._lock:
                self._calling.discard(name)
        operator.record("call-remote-ae", "remote-ae", name, "done" if call.is_well else "failed")
        return call


def _enter(ledger: Ledger, name: str, call: RemoteAECall) -> None:
    with ledger.transaction() as tx:
        if call.is_well:
            note_reached(tx, name)
            for uid, syntaxes in call.report.found.accepted.items():
                tx.sop_classes.set_accepted(name, uid, accepted=bool(syntaxes))
        else:
            tx.unreached.enter(name, call.report.problems[0])
