"""The accepted connection: it never blocks, and every wait on it has an end."""

from __future__ import annotations

import contextlib
import math
import select
import socket
import time

from pynetdicom.association import Association
from pynetdicom.transport import AssociationSocket

from scp_node.receive.latch import Latch
from scp_node.tls.certificates import Certificate

_QUICKACK = getattr(socket, "TCP_QUICKACK", None)


class PeerSocket(AssociationSocket):
    """pynetdicom's socket wrapper with `send` bounded in time, and reading left to the upper layer."""

    tls_version = ""
    certificate: Certificate | None = None  # that the peer showed, and that was verified

    def __init__(self, assoc: Association, client_socket: socket.socket, send_timeout_s: float) -> None:
        super().__init__(assoc, client_socket=client_socket)
        client_socket.setblocking(False)
        client_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client_socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.accepted_socket = self._connection = client_socket
        self._send_timeout_s = send_timeout_s
        self.is_lost = False
        self._latch: Latch | None = None
        # poll, not select: select fails for good once a descriptor is 1024 or higher
        self._readable, self._writable = select.poll(), select.poll()
        self._readable.register(client_socket, select.POLLIN)
        self._writable.register(client_socket, select.POLLOUT)

    def receive_into(self, buffer: memoryview) -> int | None:
        """Bytes read, 0 at the end of the connection, None when there is nothing yet."""
        try:
            return self._connection.recv_into(buffer)
        except BlockingIOError:
            return None
        except OSError:
            return 0

    def wake_at(self, latch: Latch) -> None:
        """Let `wait_readable` return when `latch` is set."""
        if latch is not self._latch:
            if self._latch is not None:
                self._readable.unregister(self._latch)
            self._readable.register(latch, select.POLLIN)
            self._latch = latch

    def wait_readable(self, timeout_s: float) -> None:
        """Wait for the peer, and acknowledge at once what it sent.

        Many senders leave Nagle's algorithm on, and write command and data set one after the other: the second waits
        for the acknowledgement of the first, which the system would delay by 40 ms. The system forgets the option, so
        that it is set each time.
        """
        if _QUICKACK is not None:
            with contextlib.suppress(OSError):
                self._connection.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
        # whole milliseconds, upwards: rounded down, the last one would be a busy loop
        self._readable.poll(None if timeout_s == math.inf else max(0, math.ceil(1000 * timeout_s)))

    def send(self, bytestream: bytes) -> None:
        """Send all of it, or take the connection for lost (Evt17)."""
        if self.is_lost:
            return
        deadline = time.monotonic() + self._send_timeout_s
        rest = memoryview(bytestream)
        try:
            while rest:
                rest = rest[self._send_some(rest, deadline) :]
        except OSError:
            self.is_lost = True
            self.event_queue.put("Evt17")

    def _send_some(self, data: memoryview, deadline: float) -> int:
        """Send what the system takes; how many bytes that was. Raises TimeoutError at the deadline."""
        while True:
            try:
                return self._connection.send(data)
            except BlockingIOError:
                if not self._writable.poll(max(0.0, 1000 * (deadline - time.monotonic()))):
                    raise TimeoutError from None

    def hang_up(self) -> None:
        """End the connection from another thread; the thread of the association reads its end.

        The TLS layer is left alone, because two threads must not use it at the same time.
        """
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._connection, socket.SHUT_RDWR)

    def end(self) -> None:
        """Close, whatever the state machine has done so far."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)
        self._connection.close()
