"""Serves the HTTP application on the configured address, for as long as the web role runs."""

from __future__ import annotations

import errno
import socket
import threading
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from scp_node.errors import ConfigurationError
from scp_node.settings import Web
from scp_node.web.database_watch import DatabaseWatch
from scp_node.web.health import health_routes

CONNECTIONS_MAX = 100
KEEP_ALIVE_S = 5
HEADER_BYTES_MAX = 16 * 1024
BACKLOG = 64
CLOSE_S = 3


def build_app(statuses: Path, database: DatabaseWatch) -> FastAPI:
    """All that the node serves over HTTP."""
    app = FastAPI(title="Hilum", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(health_routes(statuses, database))
    return app


class WebServer:
    """Listens from the constructor on. Raises ConfigurationError when the address cannot be used."""

    def __init__(self, web: Web, app: FastAPI) -> None:
        self._socket = _listen(web.bind, web.port)
        self.port = int(self._socket.getsockname()[1])
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                log_level="warning",
                access_log=False,
                http="h11",
                ws="none",
                lifespan="off",
                proxy_headers=False,
                server_header=False,
                limit_concurrency=CONNECTIONS_MAX,
                timeout_keep_alive=KEEP_ALIVE_S,
                h11_max_incomplete_event_size=HEADER_BYTES_MAX,
                timeout_graceful_shutdown=CLOSE_S,
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
