"""The accepted connection: it never blocks, and every wait on it has an end."""

from __future__ import annotations

import contextlib
import select
import socket
import time

from pynetdicom.association import Association
from pynetdicom.transport import AssociationSocket

_QUICKACK = getattr(socket, "TCP_QUICKACK", None)


class PeerSocket(AssociationSocket):
    """pynetdicom's socket wrapper with `send` bounded in time, and reading left to the upper layer."""

    def __init__(self, assoc: Association, client_socket: socket.socket, send_timeout_s: float) -> None:
        super().__init__(assoc, client_socket=client_socket)
        client_socket.setblocking(False)
        client_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client_socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._connection = client_socket
        self._send_timeout_s = send_timeout_s
        self.is_lost = False
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

    def wait_readable(self, timeout_s: float) -> None:
        """Wait for the peer, and acknowledge at once what it sent.

        Many senders leave Nagle's algorithm on, and write command and data set one after the other: the second waits
        for the acknowledgement of the first, which the system would delay by 40 ms. It forgets the option again.
        """
        if _QUICKACK is not None:
            with contextlib.suppress(OSError):
                self._connection.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
        self._readable.poll(max(0.0, 1000 * timeout_s))

    def send(self, bytestream: bytes) -> None:
        """Send all of it, or take the connection for lost (Evt17)."""
        if self.is_lost:
            return
        deadline = time.monotonic() + self._send_timeout_s
        rest = memoryview(bytestream)
        try:
            while rest:
                try:
                    rest = rest[self._connection.send(rest) :]
                except BlockingIOError:
                    if not self._writable.poll(max(0.0, 1000 * (deadline - time.monotonic()))):
                        raise TimeoutError from None
        except OSError:
            self.is_lost = True
            self.event_queue.put("Evt17")

    def end(self) -> None:
        """Close, whatever the state machine has done so far."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)
        self._connection.close()
