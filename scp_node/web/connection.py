"""One HTTP connection with clocks: a head, a whole request and an answer that nobody reads each end in time.

uvicorn has a clock for the pause between two requests only, and refuses everybody once too many connections are open.
Here the connection that has been idle longest makes room for a new one. Where all are busy, a reserve stays open to
those who watch over the node.
"""

from __future__ import annotations

import asyncio
import socket
from typing import ClassVar

from fastapi.responses import PlainTextResponse
from uvicorn.protocols.http.h11_impl import H11Protocol

from scp_node.settings import Web
from scp_node.web.admission import Application, Receive, Scope, Send
from scp_node.web.dicomweb_path import is_dicomweb
from scp_node.web.health import HEALTH_PATHS

RESERVE = 16


class BoundedConnection(H11Protocol):
    """A connection of uvicorn with the bounds of section web. `connection_type` makes the class with its settings."""

    web: ClassVar[Web]
    _deadline: asyncio.TimerHandle | None = None
    _quiet_since = 0.0
    is_cut = is_reserve = False

    @property
    def is_busy(self) -> bool:
        """Whether a request is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # asyncio does so for sockets of its own making only. An answer is sent in two pieces: without it the second one
        # waits until the browser acknowledges the first, 40 ms later.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._quiet_since = self.loop.time()
        self._set_deadline(self.web.header_timeout_s)
        others = [one for one in self._alive() if one is not self]
        if len(others) < self.web.connections_max:
            return
        idle = [one for one in others if not one.is_busy]
        if idle:
            min(idle, key=lambda one: one._quiet_since).cut()
        else:
            self._take_of_reserve([one for one in others if one.is_reserve])

    def _take_of_reserve(self, others: list[BoundedConnection]) -> None:
        """Whoever has had a place of the reserve for longest has had its answer, or asks for nothing."""
        self.is_reserve = True
        self.app = for_watchers_only(self.app)
        if len(others) >= RESERVE:
            min(others, key=lambda one: one._quiet_since).cut()

    def data_received(self, data: bytes) -> None:
        if self.is_cut:
            return
        if self._deadline is None:
            self._set_deadline(self.web.header_timeout_s)
        was_busy = self.is_busy
        super().data_received(data)
        if self.is_busy and not was_busy:
            is_stow = self.web.stow.enabled and is_dicomweb(self.scope["path"])
            self._set_deadline(self.web.stow.request_timeout_s if is_stow else self.web.request_timeout_s)

    def on_response_complete(self) -> None:
        self._clear_deadline()
        self._quiet_since = self.loop.time()
        super().on_response_complete()
        if self.is_busy or self.transport.get_write_buffer_size():
            self._set_deadline(self.web.request_timeout_s)
        elif self.conn.trailing_data[0]:
            self._set_deadline(self.web.header_timeout_s)

    def connection_lost(self, exc: Exception | None) -> None:
        self._clear_deadline()
        super().connection_lost(exc)

    def cut(self) -> None:
        """Close at once; what was not sent yet is dropped."""
        self.is_cut = True
        self._clear_deadline()
        self.transport.abort()

    def _alive(self) -> list[BoundedConnection]:
        return [one for one in self.connections if isinstance(one, BoundedConnection) and not one.is_cut]

    def _set_deadline(self, seconds: float) -> None:
        self._clear_deadline()
        self._deadline = self.loop.call_later(seconds, self.cut)

    def _clear_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def connection_type(web: Web) -> type[BoundedConnection]:
    """The class of the connections of one server."""
    return type("WebConnection", (BoundedConnection,), {"web": web})


def for_watchers_only(app: Application) -> Application:
    """`app` while all connections are busy: who watches over the node is answered, others get 503."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in HEALTH_PATHS:
            await app(scope, receive, send)
        else:
            refusal = PlainTextResponse("all connections are busy: try again\n", 503, {"Connection": "close"})
            await refusal(scope, receive, send)

    return answer
