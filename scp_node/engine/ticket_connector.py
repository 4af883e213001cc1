"""procrastinate's connections to the ledger's database: a few for all queues, and one that listens for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from procrastinate import PsycopgConnector
from procrastinate.connector import Notify
from psycopg_pool import AsyncConnectionPool

CONNECTIONS = 3
# A network that is gone is noticed by the machine itself.
_NETWORK = {
    "application_name": "hilum-tickets",
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
_GATHERED_S = 0.05


def _pool(**kwargs: Any) -> AsyncConnectionPool:
    """Nobody asks before each statement whether its connection lives: a worker whose connection is dead starts anew."""
    return AsyncConnectionPool(**kwargs | {"check": None})


class TicketConnector(PsycopgConnector):
    """Over the database of `engine`. procrastinate would have each worker listen on a connection of its own: here the
    loops of all queues share one."""

    def __init__(self, engine: sa.Engine) -> None:
        _, parameters = engine.dialect.create_connect_args(engine.url)
        kwargs = _NETWORK | dict(parameters)
        super().__init__(pool_factory=_pool, kwargs=kwargs, min_size=1, max_size=CONNECTIONS, timeout=5)
        self._listeners: dict[str, Notify] = {}
        self._listening: asyncio.Task[None] | None = None

    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        """Until cancelled. Raises ConnectorException where the database cannot be reached."""
        mine = dict.fromkeys(channels, on_notification)
        self._listeners |= mine
        self._listen_anew()
        try:
            while (listening := self._listening) is not None:
                await asyncio.wait((listening,))
                if not listening.cancelled():
                    listening.result()
        finally:
            self._listeners = {channel: one for channel, one in self._listeners.items() if one is not mine.get(channel)}

    async def close_async(self) -> None:
        """The listening connection too."""
        if (listening := self._listening) is not None:
            self._listening = None
            listening.cancel()
            await asyncio.wait((listening,))
        await super().close_async()

    def _listen_anew(self) -> None:
        self._listening = asyncio.create_task(self._listen(self._listening))

    async def _listen(self, before: asyncio.Task[None] | None) -> None:
        """In place of who listened before; loops that begin at the same time make one connection."""
        await asyncio.sleep(_GATHERED_S)
        if before is not None:
            before.cancel()
            await asyncio.wait((before,))
        await super().listen_notify(self._tell, list(self._listeners))

    async def _tell(self, *, channel: str, payload: str) -> None:
        if (listener := self._listeners.get(channel)) is not None:
            await listener(channel=channel, payload=payload)
