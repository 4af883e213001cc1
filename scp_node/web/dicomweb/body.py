"""The body of a request in pieces, against the clocks of the receiver, and never more of it than is allowed."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, MutableMapping
from contextlib import suppress
from typing import Any

from fastapi import Request

from scp_node.receive.deadlines import Deadlines

# So much is gathered before it is handed to a thread: one hop costs as much as the work on a few kilobytes.
PIECE_BYTES = 256 * 1024
# After such a pause what was gathered is handed over: the clock of an instance runs from its first byte.
GATHER_S = 0.05
DROPPED_BYTES_MAX, DROP_S = 64 * 1024**2, 10.0


class BodyTooLarge(Exception):
    """More bytes than a request may have."""


class BodyTooSlow(Exception):
    """Why, in words: which limit was overstepped."""


class SenderLeft(Exception):
    """The connection has ended before the body has."""


class Body:
    """Of one request, to be read once."""

    def __init__(self, request: Request, deadlines: Deadlines, bytes_max: int) -> None:
        self._request, self._deadlines, self._bytes_max = request, deadlines, bytes_max
        self._bytes = 0
        self._is_begun = self._is_over = False

    async def pieces(self) -> AsyncIterator[bytes]:
        """Of about PIECE_BYTES, smaller ones of a slow sender. Raises BodyTooLarge, BodyTooSlow and SenderLeft."""
        self._deadlines.heard(0)
        gathered = bytearray()
        while not self._is_over:
            chunk = await self._next(GATHER_S if gathered else math.inf)
            gathered += chunk or b""
            if gathered and (len(gathered) >= PIECE_BYTES or chunk is None or self._is_over):
                yield bytes(gathered)
                gathered.clear()

    async def drop_rest(self) -> None:
        """Read what still comes, and forget it: who is told while it still sends may not read the answer. A sender that
        waits for leave to send (RFC 9110 10.1.1) gets none."""
        if not self._is_begun and "100-continue" in self._request.headers.get("expect", "").lower():
            return
        with suppress(TimeoutError, SenderLeft):
            async with asyncio.timeout(DROP_S):
                dropped = 0
                while not self._is_over and dropped <= DROPPED_BYTES_MAX:
                    dropped += len(self._taken(await self._request.receive()))

    async def _next(self, wait_s: float) -> bytes | None:
        """What comes next; None where nothing has come for so long."""
        self._is_begun = True
        began, message = time.monotonic(), None
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, min(self._deadlines.left_s, wait_s))):
                message = await self._request.receive()
        why = self._deadlines.overstepped(time.monotonic() - began)
        if message is None:
            if why:
                raise BodyTooSlow(why)
            return None
        chunk = self._taken(message)
        if chunk:
            self._deadlines.heard(len(chunk))
        self._bytes += len(chunk)
        if self._bytes > self._bytes_max:
            raise BodyTooLarge
        return chunk

    def _taken(self, message: MutableMapping[str, Any]) -> bytes:
        if message["type"] != "http.request":
            self._is_over = True
            raise SenderLeft
        self._is_over = not message.get("more_body", False)
        return bytes(message.get("body", b""))
