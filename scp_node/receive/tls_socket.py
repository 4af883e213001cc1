"""The accepted connection with TLS: the handshake, bounded in time, and reading and writing behind it."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
import time

from pynetdicom.association import Association

from scp_node.receive.latch import Latch
from scp_node.receive.peer_socket import PeerSocket
from scp_node.receive.proxy_header import MISPLACED, SIGNATURE, is_header
from scp_node.tls.certificates import certificate_of
from scp_node.tls.contexts import explained


class HandshakeFailed(Exception):
    """The connection could not be secured; the message says why."""


class PeerLeft(HandshakeFailed):
    """It closed the connection without a word, as a load balancer does that looks whether the port is open."""


class SecuredPeerSocket(PeerSocket):
    """PeerSocket over TLS, where reading may have to wait for writing, and data may wait where poll does not see it."""

    def __init__(self, assoc: Association, client_socket: socket.socket, send_timeout_s: float) -> None:
        super().__init__(assoc, client_socket, send_timeout_s)
        self._wrapping = threading.Lock()

    @property
    def _secure(self) -> ssl.SSLSocket:
        assert isinstance(self._connection, ssl.SSLSocket)
        return self._connection

    def shake_hands(self, context: ssl.SSLContext, timeout_s: float, stop: Latch) -> None:
        """Do the server's part of the handshake, in the thread of the association. Raises HandshakeFailed."""
        self.wake_at(stop)
        deadline = time.monotonic() + timeout_s
        try:
            super().wait_readable(timeout_s)
            self._refuse_proxy_header()
            with self._wrapping:  # the descriptor stays the same, and so the polls
                self._connection = self.socket = context.wrap_socket(
                    self._connection, server_side=True, do_handshake_on_connect=False
                )
            self._complete_handshake(deadline, stop)
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError) as error:
            raise PeerLeft(explained(error)) from error
        except OSError as error:
            raise HandshakeFailed(explained(error)) from error
        self.tls_version = self._secure.version() or ""
        der = self._secure.getpeercert(binary_form=True)
        try:
            self.certificate = None if der is None else certificate_of(der)
        except ValueError as error:
            raise HandshakeFailed("its certificate cannot be read") from error

    def _refuse_proxy_header(self) -> None:
        """OpenSSL would call it a wrong version number."""
        with contextlib.suppress(BlockingIOError):
            if is_header(self._connection.recv(len(SIGNATURE), socket.MSG_PEEK)):
                raise HandshakeFailed(MISPLACED)

    def _complete_handshake(self, deadline: float, stop: Latch) -> None:
        while True:
            try:
                self._secure.do_handshake()
                return
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as wanted:
                remaining_s = deadline - time.monotonic()
                if remaining_s <= 0:
                    raise HandshakeFailed("it did not complete the handshake in time") from None
                if stop.is_set:
                    raise HandshakeFailed("the node stops") from None
                if isinstance(wanted, ssl.SSLWantReadError):
                    self.wait_readable(remaining_s)
                else:
                    self._wait_writable(remaining_s)

    def receive_into(self, buffer: memoryview) -> int | None:
        """As many records as the buffer takes: each alone holds 16 KiB at most."""
        count = 0
        try:
            while count < len(buffer):
                received = self._secure.recv_into(buffer[count:])
                if received == 0:
                    break
                count += received
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return count or None
        except OSError:
            return count
        return count

    def wait_readable(self, timeout_s: float) -> None:
        super().wait_readable(0 if self._secure.pending() else timeout_s)

    def _send_some(self, data: memoryview, deadline: float) -> int:
        while True:
            try:
                return self._secure.send(data)
            except ssl.SSLWantWriteError:
                self._wait_writable(deadline - time.monotonic())
            except ssl.SSLWantReadError:
                readable = select.poll()  # without the latch: what is being sent may be completed
                readable.register(self._secure, select.POLLIN)
                readable.poll(max(0.0, 1000 * (deadline - time.monotonic())))
            if time.monotonic() > deadline:
                raise TimeoutError

    def _wait_writable(self, timeout_s: float) -> None:
        self._writable.poll(max(0.0, 1000 * timeout_s))

    def hang_up(self) -> None:
        with self._wrapping:
            super().hang_up()

    def end(self) -> None:
        """Say that nothing follows (RFC 8446 6.1), as far as it gets through, then close."""
        if isinstance(self._connection, ssl.SSLSocket):
            with contextlib.suppress(OSError, ValueError):
                self._connection.unwrap()
        super().end()
