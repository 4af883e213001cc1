"""Reads the header of a proxy from an accepted connection, bounded in time, and no byte behind it: TLS may follow."""

from __future__ import annotations

import math
import select
import socket
import time

from pynetdicom.transport import AddressInformation

from scp_node.receive.latch import Latch
from scp_node.receive.proxy_header import HeaderRefused, NobodyCalls, read_header


def caller_behind_proxy(connection: socket.socket, timeout_s: float, stop: Latch) -> AddressInformation:
    """Address and port of the caller. `connection` does not block. Raises HeaderRefused."""
    readable = select.poll()
    readable.register(connection, select.POLLIN)
    readable.register(stop, select.POLLIN)
    deadline = time.monotonic() + timeout_s

    def read(count: int) -> bytes:
        data = b""
        while len(data) < count:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise HeaderRefused(f"its PROXY protocol header was not complete within {timeout_s:g} s")
            if stop.is_set:
                raise NobodyCalls("the node stops")
            readable.poll(math.ceil(1000 * left_s))
            try:
                received = connection.recv(count - len(data))
            except BlockingIOError:
                continue
            except OSError:
                received = b""
            if not received:
                raise NobodyCalls("the proxy closed the connection without a caller")
            data += received
        return data

    return read_header(read)
