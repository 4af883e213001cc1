"""What a reverse proxy says of the browser behind it, believed from the addresses of `web.proxy` alone."""

from __future__ import annotations

import ipaddress

from fastapi.responses import PlainTextResponse
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from scp_node.settings import Web
from scp_node.web.admission import Application, Receive, Scope, Send, is_loopback
from scp_node.web.health import HEALTH_PATHS


class Forwarding:
    """Puts the browser's address and scheme into the place of the proxy's. Without TLS of its own, this port answers
    nobody beyond this machine but the proxy: what others send can be read on the wire."""

    def __init__(self, app: Application, web: Web) -> None:
        self._app: Application = ProxyHeadersMiddleware(app, web.proxy) if web.proxy else app  # type: ignore[arg-type,assignment]
        self._networks = [ipaddress.ip_network(one) for one in web.proxy]
        self._is_tls = web.tls_certificate is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._may_ask(scope):
            await self._app(scope, receive, send)
            return
        why = "this port speaks to its reverse proxy only; see web.proxy and web.tls_certificate\n"
        await PlainTextResponse(why, 403, {"Connection": "close"})(scope, receive, send)

    def _may_ask(self, scope: Scope) -> bool:
        if self._is_tls or not self._networks or scope["path"] in HEALTH_PATHS:
            return True
        host = (scope.get("client") or ("", 0))[0]
        return is_loopback(host) or any(ipaddress.ip_address(host) in one for one in self._networks)
