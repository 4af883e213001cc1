"""The DICOM listener: accepts connections and gives each its own thread until it ends."""

from __future__ import annotations

import errno
import logging
import socket
import threading
import time
from socketserver import BaseServer
from typing import Any

from pynetdicom import AE, _config
from pynetdicom.transport import AddressInformation, AssociationServer, RequestHandler

from converter.product import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from scp_node.errors import ConfigurationError
from scp_node.receive.association import ReceivingAssociation
from scp_node.receive.contexts import presentation_contexts
from scp_node.receive.handlers import JobsPort, LedgerPort, Store
from scp_node.settings import Settings
from scp_node.spool import Spool

log = logging.getLogger(__name__)

# Connections that have not (yet) asked for an association, beside associations_max.
SILENT_CONNECTIONS_MAX = 50
_ACCEPT_POLL_S = 0.25
_CLOSE_S = 2.0
_OUT_OF_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class ConnectionHandler(RequestHandler):
    """Starts the association of one accepted connection."""

    server: ReceivingServer

    def handle(self) -> None:
        assoc = ReceivingAssociation(self.server, self.request, AddressInformation.from_tuple(self.client_address))
        self.server.remember(assoc)
        try:
            assoc.start()
        except RuntimeError:  # no thread to be had
            self.server.forget(assoc)
            raise


class ReceivingServer(AssociationServer):
    """The listening socket and everything its associations share. `settings` may be replaced at any time."""

    request_queue_size = 128
    ae: AE

    def __init__(self, *args: Any, settings: Settings, store: Store, **kwargs: Any) -> None:
        self.settings, self.store = settings, store
        self.is_draining = self.is_closing = False
        self._changed = threading.Condition()
        self._connections: set[ReceivingAssociation] = set()
        self._associations: set[ReceivingAssociation] = set()
        super().__init__(*args, **kwargs)

    def remember(self, connection: ReceivingAssociation) -> None:
        with self._changed:
            self._connections.add(connection)

    def enter(self, association: ReceivingAssociation) -> bool:
        """Count an association in, unless there are as many as may be."""
        with self._changed:
            if len(self._associations) >= self.settings.receiver.associations_max:
                return False
            self._associations.add(association)
            return True

    def leave(self, association: ReceivingAssociation) -> None:
        """It is released or aborted; its connection may still wait for the peer to close."""
        with self._changed:
            self._associations.discard(association)

    def forget(self, connection: ReceivingAssociation) -> None:
        with self._changed:
            self._connections.discard(connection)
            self._associations.discard(connection)
            self._changed.notify_all()

    @property
    def association_count(self) -> int:
        return len(self._associations)

    def wait_until_left(self, timeout_s: float) -> int:
        """Wait for all connections to end; how many have not."""
        with self._changed:
            self._changed.wait_for(lambda: not self._connections, timeout_s)
            return len(self._connections)

    # --- socketserver ---------------------------------------------------------------------------------------------

    def get_request(self) -> tuple[socket.socket, Any]:
        try:
            return super().get_request()
        except OSError as error:
            if error.errno in _OUT_OF_DESCRIPTORS:
                log.error("connection not accepted", extra={"error": errno.errorcode[error.errno]})
                time.sleep(_ACCEPT_POLL_S)  # the connection stays in the backlog: do not spin
            raise

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Counted before a thread is started."""
        return len(self._connections) < self.settings.receiver.associations_max + SILENT_CONNECTIONS_MAX

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.exception("connection dropped", extra={"address": client_address[0]})

    def service_actions(self) -> None:
        """Nothing: associations let go of their buffers themselves, no collection has to be forced."""

    def shutdown(self) -> None:
        BaseServer.shutdown(self)
        self.server_close()


class Receiver:
    """The receiving part of a node. `bind` and `port` default to those of the settings; port 0 takes a free one."""

    def __init__(
        self,
        settings: Settings,
        spool: Spool,
        ledger: LedgerPort,
        jobs: JobsPort,
        *,
        bind: str | None = None,
        port: int | None = None,
    ) -> None:
        self._settings = settings
        self._spool = spool
        self._store = Store(spool, ledger, jobs)
        self._address = (bind or settings.node.bind, settings.node.port if port is None else port)
        self._server: ReceivingServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        assert self._server is not None, "the receiver is not started"
        return int(self._server.server_address[1])

    @property
    def is_listening(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    @property
    def association_count(self) -> int:
        return 0 if self._server is None else self._server.association_count

    def start(self) -> None:
        """Listen. Raises ConfigurationError when the address cannot be used."""
        _quieten_pynetdicom()
        if swept := self._spool.sweep_parts():
            log.warning("removed part files of an earlier run", extra={"files": swept})
        ae = AE(self._settings.node.ae_title)
        ae.implementation_class_uid = IMPLEMENTATION_CLASS_UID
        ae.implementation_version_name = IMPLEMENTATION_VERSION_NAME
        ae.maximum_associations = 10**6  # counted by ReceivingServer, which leaves silent connections out
        try:
            server = ae.make_server(
                self._address,
                contexts=presentation_contexts(),
                server_class=ReceivingServer,
                request_handler=ConnectionHandler,
                settings=self._settings,
                store=self._store,
            )
        except OSError as error:
            raise ConfigurationError("cannot listen on {}:{}: {}".format(*self._address, error.strerror)) from error
        assert isinstance(server, ReceivingServer)
        self._server = server
        self._thread = threading.Thread(
            target=server.serve_forever, args=(_ACCEPT_POLL_S,), name="receiver", daemon=True
        )
        self._thread.start()

    def reload(self, settings: Settings) -> None:
        """New associations follow `settings`; those that are open keep what they were admitted with."""
        self._settings = settings
        if self._server is not None:
            self._server.settings = settings

    def stop(self, drain_s: float) -> int:
        """Accept nothing more, let messages that are under way finish, abort the rest. How many were cut short."""
        if self._server is None or self._thread is None:
            return 0
        server = self._server
        server.is_draining = True
        server.shutdown()
        self._thread.join()
        left = server.wait_until_left(drain_s)
        server.is_closing = True
        server.wait_until_left(_CLOSE_S)
        log.info("receiver stopped", extra={"cut_short": left})
        return left


def _quieten_pynetdicom() -> None:
    """Its log repeats what peers send, unescaped; ours has one line an association."""
    _config.LOG_HANDLER_LEVEL = "none"
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
