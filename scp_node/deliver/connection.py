"""One TCP connection to a destination, over TLS where it is asked for: every wait has an end."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time

from scp_node.deliver.outcomes import PeerFault
from scp_node.deliver.tls_channel import Channel, tls_fault
from scp_node.tls.certificates import Certificate

# A transfer may take response_timeout_s plus the time at this rate; a destination slower than that counts as stuck.
BYTES_PER_S_MIN = 4096
# What the system may hold of our data: bounded, because what it holds counts as sent before the destination has it.
SEND_BUFFER_BYTES = 256 * 1024
_QUICKACK = getattr(socket, "TCP_QUICKACK", None)


class OutgoingConnection:
    """An open connection to host:port. Raises PeerFault, with the reason as code, from the constructor on.

    TCP_NODELAY sends what is small at once. Many archives leave Nagle's algorithm on and write a response in two
    pieces, so that the second waits about 40 ms for our delayed ACK: TCP_QUICKACK, which the system forgets after a
    while and is therefore set around every read, acknowledges the first at once.
    """

    def __init__(self, host: str, port: int, timeout_s: float, channel: Channel | None = None) -> None:
        deadline = time.monotonic() + timeout_s
        self.certificate: Certificate | None = None
        self.tls_version: str | None = None
        self._early = b""
        try:
            self._socket = socket.create_connection((host, port), timeout_s)
        except socket.gaierror as error:
            raise PeerFault("host-unknown", str(error)) from error
        except ConnectionRefusedError as error:
            raise PeerFault("connection-refused") from error
        except TimeoutError as error:
            raise PeerFault("connect-timeout", f"{timeout_s:g} s") from error
        except OSError as error:
            raise PeerFault("unreachable", str(error)) from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        if channel is not None:
            remaining_s = max(0.001, deadline - time.monotonic())
            self._socket, self.certificate = channel.secure(self._socket, host, remaining_s)
            self.tls_version = self._socket.version()

    def write(self, data: bytes, timeout_s: float) -> None:
        """Send all of `data`, or raise PeerFault "send-timeout" or "connection-lost"."""
        deadline = time.monotonic() + timeout_s + len(data) / BYTES_PER_S_MIN
        rest = memoryview(data)
        try:
            while rest:  # not sendall: over TLS its timeout would hold for each record anew
                self._socket.settimeout(max(0.001, deadline - time.monotonic()))
                rest = rest[self._socket.send(rest) :]
        except TimeoutError as error:
            raise PeerFault("send-timeout", f"{timeout_s:g} s") from error
        except OSError as error:
            raise _broken(error, "while sending") from error

    def read_exactly(self, count: int, deadline: float, timeout_code: str) -> bytes:
        """The next `count` bytes; `deadline` is on the monotonic clock, `timeout_code` a fault."""
        data = bytearray()
        while len(data) < count:
            data += self.read_some(count - len(data), deadline, timeout_code)
        return bytes(data)

    def read_some(self, count_max: int, deadline: float, timeout_code: str) -> bytes:
        """What has come, at least one byte and at most `count_max`. Raises PeerFault "connection-lost" at the end."""
        if self._early and count_max:
            early, self._early = self._early, b""
            return early
        remaining_s = deadline - time.monotonic()
        if remaining_s <= 0:
            raise PeerFault(timeout_code)
        self._socket.settimeout(remaining_s)
        try:
            self._acknowledge_at_once()
            chunk = self._socket.recv(count_max)
            self._acknowledge_at_once()
        except TimeoutError as error:
            raise PeerFault(timeout_code) from error
        except OSError as error:
            raise _broken(error, "while reading") from error
        if not chunk:
            raise PeerFault("connection-lost")
        return chunk

    def has_news(self) -> bool:
        """Whether the peer sent something, or closed, while nothing was asked of it."""
        self._socket.settimeout(0)
        try:
            if not self._early:
                self._early = self._socket.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False  # over TLS what came may have been no data
        except OSError:
            return True
        return True

    def close(self) -> None:
        if isinstance(self._socket, ssl.SSLSocket):
            with contextlib.suppress(OSError, ValueError):
                self._socket.settimeout(0)
                self._socket.unwrap()  # close_notify; the peer's own is not waited for
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _acknowledge_at_once(self) -> None:
        if _QUICKACK is not None:
            self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)


def _broken(error: OSError, when: str) -> PeerFault:
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return tls_fault(error)
    return PeerFault("connection-lost", when)
