"""From where somebody asks, and how the console is reached."""

from __future__ import annotations

import ipaddress
import socket

from fastapi import Request

from scp_node.settings import Web


def address_of(request: Request) -> str:
    """The IP address of the browser, or of what stands before it."""
    return request.client.host if request.client is not None else "unknown"


def console_url(web: Web) -> str:
    """Where people open the console: through the proxy where there is one and its name is known."""
    if web.proxy and web.allowed_hosts:
        return f"https://{web.allowed_hosts[0]}"
    host = socket.gethostname() if ipaddress.ip_address(web.bind).is_unspecified else web.bind
    scheme = "http" if web.tls_certificate is None else "https"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{web.port}"
