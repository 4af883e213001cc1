"""One HTTP/1.1 request and its answer, over a connection whose every wait has an end."""

from __future__ import annotations

import base64
import http.client
import io
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from scp_node.deliver.connection import BYTES_PER_S_MIN, OutgoingConnection
from scp_node.deliver.kind import Destination
from scp_node.deliver.outcomes import PeerFault
from scp_node.deliver.system_channel import connect
from scp_node.tls.certificates import Certificate

PORTS = {"http": 80, "https": 443}
AGENT = "Hilum"
PIECE_BYTES = 64 * 1024
REFUSALS_FROM = 400


@dataclass(frozen=True)
class HttpAnswer:
    """headers: by their names in lower case. took_s: from the connection to the last byte."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    took_s: float
    tls_version: str | None
    certificate: Certificate | None

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


@dataclass(frozen=True)
class StreamedBody:
    """A body of `length` bytes that is sent as its pieces are read; an OSError of theirs is raised as it is."""

    length: int
    pieces: Iterable[bytes]


class OpenAnswer:
    """An answer whose body has yet to be read. headers: by their names in lower case."""

    def __init__(
        self, found: http.client.HTTPResponse, incoming: _Incoming, connection: OutgoingConnection, timeout_s: float
    ) -> None:
        self._found, self._incoming, self._timeout_s = found, incoming, timeout_s
        self._bytes, self._began = 0, time.monotonic()
        self.status = found.status
        self.headers = {name.lower(): text for name, text in found.getheaders()}
        self.tls_version, self.certificate = connection.tls_version, connection.certificate

    def read(self, bytes_max: int) -> bytes:
        """All of the body. Raises PeerFault."""
        with _faults():
            content = self._found.read(bytes_max + 1)
            if len(content) > bytes_max:
                raise PeerFault("answer-too-large")
            self._check_end()
        return content

    def pieces(self) -> Iterator[bytes]:
        """The body as it comes. It may take response_timeout_s, and the time at BYTES_PER_S_MIN. Raises PeerFault."""
        while True:
            self._incoming.deadline = self._began + self._timeout_s + self._bytes / BYTES_PER_S_MIN
            with _faults():
                piece = self._found.read1(PIECE_BYTES)
                if not piece:
                    self._check_end()
            if not piece:
                return
            self._bytes += len(piece)
            yield piece

    def _check_end(self) -> None:
        if self._found.length:  # it closed before the end that it had announced
            raise PeerFault("connection-lost", "before the end of its answer")


def request(
    to: Destination, method: str, url: str, headers: Mapping[str, str], body: bytes | StreamedBody = b""
) -> HttpAnswer:
    """Raises PeerFault."""
    started = time.perf_counter()
    with answer_to(to, method, url, headers, body) as found:
        content = found.read(to.system.response_bytes_max)
    took_s = time.perf_counter() - started
    return HttpAnswer(found.status, found.headers, content, took_s, found.tls_version, found.certificate)


@contextmanager
def answer_to(
    to: Destination, method: str, url: str, headers: Mapping[str, str], body: bytes | StreamedBody = b""
) -> Iterator[OpenAnswer]:
    """The answer to a request, whose body is read within. Raises PeerFault."""
    parts, timeout_s = urlsplit(url), to.settings.delivery.response_timeout_s
    host = parts.hostname or ""
    with closing(connect(to, host, parts.port or PORTS[parts.scheme])) as connection:
        client = http.client.HTTPConnection(host, parts.port)
        client.auto_open = 0
        length = body.length if isinstance(body, StreamedBody) else len(body)
        incoming = _Incoming(connection)
        client.sock = cast(Any, _Stream(connection, timeout_s, length, incoming))
        sent = {"Host": parts.netloc, "User-Agent": AGENT, "Connection": "close", **_authorisation(to), **headers}
        if length:
            sent["Content-Length"] = str(length)
        with _faults():
            target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
            client.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, text in sent.items():
                client.putheader(name, text)
            found = _answered(client, incoming, timeout_s, body.pieces if isinstance(body, StreamedBody) else body)
        yield OpenAnswer(found, incoming, connection, timeout_s)


def _answered(
    client: http.client.HTTPConnection, incoming: _Incoming, timeout_s: float, body: bytes | Iterable[bytes]
) -> http.client.HTTPResponse:
    """Send the body and read the head of the answer. Who refuses what it has not yet read closes the connection: what
    it has said before is the answer then."""
    lost: PeerFault | None = None
    try:
        client.endheaders(body or None)
    except PeerFault as fault:
        if fault.code != "connection-lost":
            raise
        lost = fault
    incoming.deadline = time.monotonic() + timeout_s
    try:
        found = client.getresponse()
        if incoming.is_over:  # http.client takes a head that is cut off for a whole one
            raise PeerFault("connection-lost", "before the end of its answer")
    except (PeerFault, http.client.HTTPException):
        if lost is not None:
            raise lost from None
        raise
    if lost is not None and found.status < REFUSALS_FROM:
        raise lost
    return found


@contextmanager
def _faults() -> Iterator[None]:
    """What http.client raises, as faults."""
    try:
        yield
    except (http.client.RemoteDisconnected, http.client.IncompleteRead) as error:
        raise PeerFault("connection-lost", "before the end of its answer") from error
    except (http.client.HTTPException, ValueError, UnicodeError) as error:
        raise PeerFault("not-http", type(error).__name__) from error


def _authorisation(to: Destination) -> dict[str, str]:
    """Bearer (RFC 6750 2.1), or Basic (RFC 7617)."""
    system = to.system
    if system.token is not None:
        return {"Authorization": f"Bearer {system.token}"}
    if system.user is not None:
        both = f"{system.user}:{system.password or ''}".encode()
        return {"Authorization": f"Basic {base64.b64encode(both).decode()}"}
    return {}


class _Stream:
    """As much of a socket as http.client asks for."""

    def __init__(self, connection: OutgoingConnection, timeout_s: float, length: int, incoming: _Incoming) -> None:
        self._connection, self._incoming = connection, incoming
        self._deadline = time.monotonic() + timeout_s + length / BYTES_PER_S_MIN

    def sendall(self, data: bytes) -> None:
        left_s = self._deadline - time.monotonic() - len(data) / BYTES_PER_S_MIN
        self._connection.write(data, max(0.0, left_s))

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self._incoming)

    def close(self) -> None:
        """The connection is closed by who opened it."""


class _Incoming(io.RawIOBase):
    """What comes, until the peer closes or the deadline has passed. is_over: the peer has closed."""

    def __init__(self, connection: OutgoingConnection) -> None:
        super().__init__()
        self._connection, self.deadline, self.is_over = connection, 0.0, False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        try:
            chunk = self._connection.read_some(len(view), self.deadline, "response-timeout")
        except PeerFault as fault:
            if fault.code == "connection-lost":
                self.is_over = True
                return 0  # the end of a body without a length
            raise
        view[: len(chunk)] = chunk
        return len(chunk)
