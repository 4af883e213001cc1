"""Which requests reach the application: their head is within limits, and they ask for this node by a name of its own.

A page of a stranger can let a browser on this machine ask its loopback address under the stranger's name (DNS
rebinding). The Host header gives that away (RFC 9110 7.2).
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from fastapi.responses import PlainTextResponse

from scp_node.settings import Web
from scp_node.web.health import HEALTH_PATHS

HEADERS_MAX = 100
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
# RFC 9110 4.2.1, RFC 3986 3.2.2: a name or IPv4 address, or an IPv6 address in brackets; perhaps a port.
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9._-]{1,253}))(?::\d{0,5})?")


class HeaderCheck:
    """Passes requests on to `app`, or answers 400, 421 or 431 itself."""

    def __init__(self, app: Application, web: Web) -> None:
        self._app = app
        self._bytes_max = web.header_bytes_max
        self._names = own_names(web.allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        head_bytes = len(scope["raw_path"]) + len(scope["query_string"]) + sum(len(k) + len(v) for k, v in headers)
        if len(headers) > HEADERS_MAX or head_bytes > self._bytes_max:
            return _refused(431, "the head of the request is too long")
        said = [value.decode("latin-1") for name, value in headers if name == b"host"]
        host = named_host(said[0]) if len(said) == 1 else None
        if host is None:
            return _refused(400, "the Host header is missing or malformed")
        if host in self._names or is_loopback(host) or (scope["path"] in HEALTH_PATHS and _is_address(host)):
            return None
        return _refused(421, "this node does not go by the name in the Host header; see web.allowed_hosts")


def named_host(header: str) -> str | None:
    """The host of a Host header in lower case, without port and final dot; None when it is malformed."""
    found = _HOST.fullmatch(header.strip(" \t"))
    if found is None or (found[1] is not None and not _is_address(found[1])):
        return None
    return (found[1] or found[2]).lower().removesuffix(".") or None


def own_names(allowed: Sequence[str]) -> frozenset[str]:
    """By what names this node may be asked for: that of the machine, with and without its domain, and `allowed`."""
    machine = socket.gethostname().lower()
    known = {"localhost", machine, machine.partition(".")[0], *(name.lower().strip("[]") for name in allowed)}
    return frozenset(name.removesuffix(".") for name in known if name)


def is_loopback(host: str) -> bool:
    return _is_address(host) and ipaddress.ip_address(host).is_loopback


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _refused(status: int, why: str) -> PlainTextResponse:
    return PlainTextResponse(f"{why}\n", status, {"Connection": "close"})
