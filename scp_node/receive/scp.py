"""The DICOM listener: accepts connections and gives each its own thread until it ends."""

from __future__ import annotations

import errno
import logging
import math
import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from pynetdicom import _config
from pynetdicom.transport import AddressInformation, AssociationServer, RequestHandler

from scp_node.errors import ConfigurationError
from scp_node.intake.group_commit import GroupCommit, InstanceLedger
from scp_node.intake.store import RankOf, Store, as_routine
from scp_node.intake.terms import walk_limits
from scp_node.receive.access import is_proxy
from scp_node.receive.association import ReceivingAssociation
from scp_node.receive.callers import CallerBook, Enter
from scp_node.receive.commitment_reports import NoRequests, ReportBook
from scp_node.receive.connection_limits import ConnectionLimits
from scp_node.receive.shared import Shared
from scp_node.settings import Settings
from scp_node.storage.blobs import Blobs

log = logging.getLogger(__name__)

_CLOSE_S = 2.0
_OUT_OF_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_OUT_OF_DESCRIPTORS_PAUSE_S = 0.25


class ConnectionHandler(RequestHandler):
    """Starts the association of one accepted connection."""

    server: ReceivingServer

    def handle(self) -> None:
        shared = self.server.shared
        assoc = ReceivingAssociation(shared, self.request, AddressInformation.from_tuple(self.client_address))
        shared.limits.enter(assoc)
        try:
            assoc.start()
        except RuntimeError:  # no thread to be had
            shared.limits.leave(assoc)
            raise


class ReceivingServer(AssociationServer):
    """The listening socket: accepts as many connections as the limits let in."""

    request_queue_size = 128

    def __init__(self, *args: Any, shared: Shared, **kwargs: Any) -> None:
        self.shared = shared
        super().__init__(*args, **kwargs)

    @property
    def _listening(self) -> socket.socket:
        assert self.socket is not None
        return self.socket

    def serve_forever(self, poll_interval: float = 0) -> None:
        """Accept connections until the node drains. Waits without polling: the latch ends it."""
        limits, draining = self.shared.limits, self.shared.draining
        waiting = select.poll()
        waiting.register(self._listening, select.POLLIN)
        waiting.register(draining, select.POLLIN)
        while not draining.is_set:
            log_again_in_s = limits.log_dropped()
            waiting.poll(None if log_again_in_s is None else math.ceil(1000 * log_again_in_s))
            self._accept()
        self.server_close()

    def server_activate(self) -> None:
        super().server_activate()
        self._listening.setblocking(False)

    def _accept(self) -> None:
        try:
            connection, address = self.get_request()
        except OSError:  # nobody there (any more)
            return
        if not self.verify_request(connection, address):
            self.shutdown_request(connection)
            return
        try:
            self.process_request(connection, address)
        except Exception:  # noqa: BLE001  the connection ends here
            self.handle_error(connection, address)
            self.shutdown_request(connection)

    def get_request(self) -> tuple[socket.socket, Any]:
        try:
            return super().get_request()
        except OSError as error:
            if error.errno in _OUT_OF_DESCRIPTORS:
                log.error("connection not accepted", extra={"error": errno.errorcode[error.errno]})
                time.sleep(_OUT_OF_DESCRIPTORS_PAUSE_S)  # the connection stays in the backlog: do not spin
            raise

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Counted before a thread is started."""
        address = client_address[0]
        return self.shared.limits.admits(address, is_proxy=is_proxy(self.shared.terms.settings.receiver, address))

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.exception("connection dropped", extra={"address": client_address[0]})


class StorageScp:
    """The receiving part of a node. `after_commit` is called when instances were entered, `enter_callers` with what is
    to be remembered of callers; `receivers` says how many of them share the limits of the fleet, `rank_of` how urgent
    an image is; `bind` and `port` default to those of the settings, and port 0 takes a free one."""

    def __init__(
        self,
        settings: Settings,
        spool: Blobs,
        ledger: InstanceLedger,
        *,
        reports: ReportBook | None = None,
        after_commit: Callable[[], None] = lambda: None,
        enter_callers: Enter = lambda records: None,
        receivers: Callable[[], int] = lambda: 1,
        rank_of: RankOf = as_routine,
        bind: str | None = None,
        port: int | None = None,
    ) -> None:
        store = Store(spool, GroupCommit(ledger, spool, after_commit), walk_limits(settings), rank_of)
        self._shared = Shared(settings, store, reports or NoRequests(), CallerBook(enter_callers), receivers)
        self._spool = spool
        self._address = (bind or settings.node.bind, settings.node.port if port is None else port)
        self._server: ReceivingServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        assert self._server is not None, "the receiver is not started"
        return int(self._server.server_address[1])

    @property
    def settings(self) -> Settings:
        """What new associations follow."""
        return self._shared.terms.settings

    @property
    def is_listening(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    @property
    def association_count(self) -> int:
        return self.limits.associations

    @property
    def limits(self) -> ConnectionLimits:
        """What is open, and what was dropped."""
        return self._shared.limits

    def start(self) -> None:
        """Listen, once. Raises ConfigurationError when the address cannot be used."""
        _quieten_pynetdicom()
        if swept := self._spool.sweep_parts():
            log.warning("removed part files of an earlier run", extra={"files": swept})
        shared = self._shared
        try:
            server = shared.ae.make_server(
                self._address,
                contexts=shared.terms.contexts,
                server_class=ReceivingServer,
                request_handler=ConnectionHandler,
                shared=shared,
            )
        except OSError as error:
            raise ConfigurationError("cannot listen on {}:{}: {}".format(*self._address, error.strerror)) from error
        assert isinstance(server, ReceivingServer)
        self._server = server
        shared.callers.start()
        self._thread = threading.Thread(target=server.serve_forever, name="receiver", daemon=True)
        self._thread.start()

    def reload(self, settings: Settings) -> None:
        """New associations follow `settings`; those that are open keep what they were admitted with."""
        self._shared.reload(settings)
        _quieten_pynetdicom()

    def stop(self, drain_s: float) -> int:
        """Accept nothing more, let messages that are under way finish, abort the rest. How many were cut short."""
        if self._thread is None:
            return 0
        self._shared.draining.set()
        self._thread.join()
        left = self.limits.wait_until_left(drain_s)
        self._shared.closing.set()
        self.limits.wait_until_left(_CLOSE_S)
        self._shared.callers.stop()
        log.info("receiver stopped", extra={"cut_short": left})
        return left


def _quieten_pynetdicom() -> None:
    """Its log repeats what peers send, unescaped; ours has one line an association."""
    _config.LOG_HANDLER_LEVEL = "none"
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
