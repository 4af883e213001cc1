"""Listener, association, upper layer and PDU stream of Hilum, behind the interface by which pynetdicom's tests start a
server.

What is ours stays ours. What is adapted is the program around it: the AE of the test says which contexts, titles and
limits hold, and its EVT_C_STORE handler takes the place of spool and ledger.
"""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import pytest
from pydicom import Dataset
from pydicom.uid import UID
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.presentation import PresentationContextTuple
from pynetdicom.transport import AddressInformation

from scp_node.dimse.requests import Answer, Command
from scp_node.intake.store import Context, Requestor
from scp_node.receive.association import ReceivingAssociation
from scp_node.receive.callers import CallerBook
from scp_node.receive.commitment_reports import NoRequests
from scp_node.receive.scp import ConnectionHandler, ReceivingServer
from scp_node.receive.shared import Shared, Terms
from scp_node.settings import Settings
from tests.support.node.receiving import MODALITY, receiving_settings

SERVED_EVENTS = {evt.EVT_C_ECHO, evt.EVT_C_STORE, evt.EVT_USER_ID}
FOREVER_S = 3600.0
_END_S = 5.0
# Theirs takes half a second to stop, in which the requestor writes the log that tests look at.
_REST_S = 0.05

# Told of each server that is started; the plug-in notes which test it was.
on_start: Callable[[], None] = lambda: None  # noqa: E731
_open: list[TestedServer] = []


def shut_down_all() -> None:
    """Stop what a test has left open."""
    while _open:
        _open[-1].shutdown()


class HandlerStore:
    """In the place of spool and ledger: each instance goes to the EVT_C_STORE handler of the test."""

    def __init__(self, server: TestedServer) -> None:
        self.server = server

    def begin(self, sender: Requestor, context: Context, command: Command) -> HandedOver:
        return HandedOver(self.server, context, command)


class HandedOver:
    """One data set on its way to the handler."""

    def __init__(self, server: TestedServer, context: Context, command: Command) -> None:
        self._tested_server, self._context, self._command = server, context, command
        self._data = io.BytesIO()

    def write(self, pieces: Sequence[memoryview]) -> None:
        for piece in pieces:
            self._data.write(piece)

    def finish(self) -> Answer:
        request = C_STORE()
        request.MessageID = self._command.message_id
        request.AffectedSOPClassUID = self._command.sop_class_uid
        request.AffectedSOPInstanceUID = self._command.sop_instance_uid
        request.Priority = 2
        self._data.seek(0)
        request.DataSet = self._data
        context = PresentationContextTuple(1, UID(self._context.abstract_syntax), UID(self._context.transfer_syntax))
        assoc = threading.current_thread()
        assert isinstance(assoc, Association)
        event = evt.Event(assoc, evt.EVT_C_STORE, {"request": request, "context": context})
        handler, extra = self._tested_server.store_handler()
        status = handler(event, *(extra or []))
        if isinstance(status, Dataset):
            return Answer(int(status.Status), str(status.get("ErrorComment", "")))
        return Answer(int(status))

    def discard(self) -> None:
        """Nothing is left behind."""


class TestedAssociation(ReceivingAssociation):
    """An association that lets in whom the AE of the test lets in, and can be aborted from the thread of the test."""

    __test__ = False

    def __init__(self, server: TestedServer, connection: Any, address: AddressInformation) -> None:
        super().__init__(server.shared, connection, address)
        self._tested_server = server

    def is_admitted(self, application_context: str) -> bool:
        ae, own, sender = self.ae, self._tested_server.own_ae_title, self._sender
        known = {title.strip() for title in ae.require_calling_aet}
        called = sender.called_ae_title if ae.require_called_aet else own
        calling = MODALITY if not known or sender.calling_ae_title in known else "UNKNOWN"
        self._sender = replace(sender, called_ae_title=called, calling_ae_title=calling)
        return super().is_admitted(application_context)

    @property
    def abort(self) -> Callable[..., None]:
        return self._end

    @abort.setter
    def abort(self, theirs: Callable[..., None]) -> None:
        """pynetdicom puts one of two methods here; ours stays."""

    def _end(self, block: bool = True) -> None:
        """As the node does it when it stops: the thread of the association aborts it."""
        self.shared.draining.set()
        self.shared.closing.set()
        if threading.current_thread() is not self:
            self.join(_END_S)
            time.sleep(_REST_S)

    def release(self) -> None:
        pytest.skip("the node releases no association that another one has asked for")

    @property
    def shared(self) -> Shared:
        return self._shared


class TestedHandler(ConnectionHandler):
    """Gives each connection the terms that hold for the AE of the test now."""

    __test__ = False
    server: TestedServer

    def handle(self) -> None:
        server = self.server
        server.renew_terms()
        assoc = TestedAssociation(server, self.request, AddressInformation.from_tuple(self.client_address))
        server.shared.limits.enter(assoc)
        assoc.start()


class TestedServer(ReceivingServer):
    """`AE.start_server` makes one of these. A test of what no node does is skipped, with the reason."""

    __test__ = False

    def __init__(
        self,
        ae: AE,
        address: Any,
        ae_title: str,
        contexts: Any,
        ssl_context: Any = None,
        evt_handlers: Any = None,
        request_handler: Any = None,
    ) -> None:
        handlers = list(evt_handlers or [])
        if reason := _not_ours(ssl_context, {handler[0] for handler in handlers}):
            pytest.skip(reason)
        on_start()
        self._of_test = (ae, ae_title, contexts)
        settings = self._settings()
        store: Any = HandlerStore(self)
        shared = Shared(settings, store, NoRequests(), CallerBook())
        shared.ae = ae
        self._has_ended = threading.Event()
        self._is_started = self._has_begun = False
        super().__init__(
            ae, address, ae_title, contexts, evt_handlers=handlers, request_handler=TestedHandler, shared=shared
        )
        self._is_started = True
        _open.append(self)

    @property
    def own_ae_title(self) -> str:
        return self._of_test[1]

    def store_handler(self) -> tuple[Callable[..., Any], Sequence[Any] | None]:
        handlers: Any = self.get_handlers(evt.EVT_C_STORE)
        return handlers[0], handlers[1]

    def bind(self, event: Any, handler: Any, args: Any = None) -> None:
        if self._is_started and (reason := _not_ours(None, {event})):
            pytest.skip(reason)
        super().bind(event, handler, args)

    def renew_terms(self) -> None:
        """What the AE of the test says now holds for the next association."""
        self.shared.terms = Terms(self._settings(), deepcopy(self.contexts))

    def _settings(self) -> Settings:
        ae, ae_title, _ = self._of_test
        settings = receiving_settings(Path(gettempdir()) / "never-written", ae_title=ae_title)
        limits = {
            "associations_max": ae.maximum_associations,
            "pdu_bytes_max": ae.maximum_pdu_size or 2**20,
            "idle_timeout_s": FOREVER_S if ae.network_timeout is None else ae.network_timeout,
            "acse_timeout_s": FOREVER_S if ae.acse_timeout is None else ae.acse_timeout,
        }
        return settings.model_copy(update={"receiver": settings.receiver.model_copy(update=limits)})

    def serve_forever(self, poll_interval: float = 0) -> None:
        self._has_begun = True
        try:
            super().serve_forever(poll_interval)
        finally:
            self._has_ended.set()

    @property
    def active_associations(self) -> list[Association]:
        return [
            one for one in threading.enumerate() if isinstance(one, TestedAssociation) and one._tested_server is self
        ]

    def shutdown(self) -> None:
        self.shared.draining.set()
        self.shared.closing.set()
        if self._has_begun:
            self._has_ended.wait(_END_S)
        for assoc in self.active_associations:
            assoc.join(_END_S)
        time.sleep(_REST_S)
        self.server_close()
        if self in _open:
            _open.remove(self)
        servers: list[Any] = self.ae._servers
        if self in servers:
            servers.remove(self)


def _not_ours(ssl_context: Any, events: set[Any]) -> str:
    """Why a test is none of ours, "" where it is."""
    if ssl_context is not None:
        return "the node makes its TLS contexts itself (tests/integration/test_receiving_tls.py)"
    for event in events - SERVED_EVENTS:
        kind = "tells no program of it" if isinstance(event, evt.NotificationEvent) else "does not serve it"
        return f"{event.name}: the node {kind}"
    return ""
