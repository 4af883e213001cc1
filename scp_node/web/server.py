"""Serves the HTTP application on the configured address, for as long as the web role runs."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading

import uvicorn

from scp_node.errors import ConfigurationError
from scp_node.settings import Web
from scp_node.tls.https import https_context
from scp_node.web.admission import Application, HeaderCheck
from scp_node.web.connection import connection_type
from scp_node.web.forwarding import Forwarding
from scp_node.web.safe_answers import SafeAnswers

KEEP_ALIVE_S = 5
BACKLOG = 1024
ACCEPTED_AT_ONCE = 64  # fewer than may be open: who has just come is heard before room is made for the next
CLOSE_S = 3


class WebServer:
    """Listens from the constructor on. Raises ConfigurationError when the address cannot be used."""

    def __init__(self, web: Web, app: Application) -> None:
        certificate = web.tls_certificate
        tls = None if certificate is None else https_context(certificate, web.tls_key)
        self._socket = _listen(web.bind, web.port)
        self.port = int(self._socket.getsockname()[1])
        self._server = _Server(
            uvicorn.Config(
                SafeAnswers(HeaderCheck(Forwarding(app, web), web)),
                log_config=None,
                log_level="error",  # a warning of uvicorn is a request that anybody can send, as often as they like
                access_log=False,
                http=connection_type(web),
                ws="none",
                lifespan="off",
                proxy_headers=False,
                server_header=False,
                backlog=ACCEPTED_AT_ONCE,
                timeout_keep_alive=KEEP_ALIVE_S,
                h11_max_incomplete_event_size=web.header_bytes_max,
                timeout_graceful_shutdown=CLOSE_S,
                ssl_context_factory=None if tls is None else lambda *_: tls,
            )
        )
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="web", daemon=True)

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=2 * CLOSE_S)
        self._socket.close()


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Connections queue in the kernel for longer than asyncio, which has one number for both, takes at once."""
        await super().startup(sockets)
        for one in sockets or ():
            one.listen(BACKLOG)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Whoever was let in while connections were being closed is closed too."""
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)


def _listen(bind: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    try:
        return socket.create_server((bind, port), family=family, backlog=BACKLOG)
    except OSError as error:
        hint = (
            "another program has this port: change web.port"
            if error.errno == errno.EADDRINUSE
            else "look at web.bind, web.port"
        )
        raise ConfigurationError(f"cannot listen on {bind}:{port}: {error.strerror}; {hint}") from error
