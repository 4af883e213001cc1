"""One HTTP/1.1 request and its answer, over a connection whose every wait has an end."""

from __future__ import annotations

import http.client
import io
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from scp_node.deliver.connection import OutgoingConnection
from scp_node.deliver.kind import Destination
from scp_node.deliver.outcomes import PeerFault
from scp_node.deliver.system_channel import connect
from scp_node.tls.certificates import Certificate

PORTS = {"http": 80, "https": 443}
AGENT = "Hilum"


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


def request(to: Destination, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> HttpAnswer:
    """Raises PeerFault."""
    parts, started = urlsplit(url), time.perf_counter()
    host, timeout_s = parts.hostname or "", to.settings.delivery.response_timeout_s
    with closing(connect(to, host, parts.port or PORTS[parts.scheme])) as connection:
        deadline = time.monotonic() + timeout_s
        client = http.client.HTTPConnection(host, parts.port)
        client.auto_open = 0
        incoming = _Incoming(connection, deadline)
        client.sock = cast(Any, _Stream(connection, timeout_s, incoming))
        sent = {"Host": parts.netloc, "User-Agent": AGENT, "Connection": "close", **_authorisation(to), **headers}
        if body:
            sent["Content-Length"] = str(len(body))
        try:
            client.putrequest(method, parts.path or "/", skip_host=True, skip_accept_encoding=True)
            for name, text in sent.items():
                client.putheader(name, text)
            client.endheaders(body or None)
            found = client.getresponse()
            if incoming.is_over:  # http.client takes a head that is cut off for a whole one
                raise PeerFault("connection-lost", "before the end of its answer")
            content = found.read(to.system.response_bytes_max + 1)
        except (http.client.RemoteDisconnected, http.client.IncompleteRead) as error:
            raise PeerFault("connection-lost", "before the end of its answer") from error
        except (http.client.HTTPException, ValueError, UnicodeError) as error:
            raise PeerFault("not-http", type(error).__name__) from error
        if len(content) > to.system.response_bytes_max:
            raise PeerFault("answer-too-large")
        if found.length:  # it closed before the end that it had announced
            raise PeerFault("connection-lost", "before the end of its answer")
        return HttpAnswer(
            found.status,
            {name.lower(): text for name, text in found.getheaders()},
            content,
            time.perf_counter() - started,
            connection.tls_version,
            connection.certificate,
        )


def _authorisation(to: Destination) -> dict[str, str]:
    token = to.system.token
    return {} if token is None else {"Authorization": f"Bearer {token}"}


class _Stream:
    """As much of a socket as http.client asks for."""

    def __init__(self, connection: OutgoingConnection, timeout_s: float, incoming: _Incoming) -> None:
        self._connection, self._timeout_s, self._incoming = connection, timeout_s, incoming

    def sendall(self, data: bytes) -> None:
        self._connection.write(data, self._timeout_s)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self._incoming)

    def close(self) -> None:
        """The connection is closed by who opened it."""


class _Incoming(io.RawIOBase):
    """What comes, until the peer closes or the deadline has passed. is_over: the peer has closed."""

    def __init__(self, connection: OutgoingConnection, deadline: float) -> None:
        super().__init__()
        self._connection, self._deadline, self.is_over = connection, deadline, False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        try:
            chunk = self._connection.read_some(len(view), self._deadline, "response-timeout")
        except PeerFault as fault:
            if fault.code == "connection-lost":
                self.is_over = True
                return 0  # the end of a body without a length
            raise
        view[: len(chunk)] = chunk
        return len(chunk)
