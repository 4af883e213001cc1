"""How many uploads there are at a time, how much memory they take, and whose turn it is to be analysed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from scp_node.settings import Web
from scp_node.web.uploads.refusals import UploadRefused

# One is analysed while the next one is handed over.
TURNS = 2


class UploadRoom:
    """Used by one event loop alone: nothing here is locked."""

    def __init__(self) -> None:
        self.bytes_held = 0
        self._uploads = 0
        self._freed = asyncio.Condition()
        self._turns = asyncio.Semaphore(TURNS)

    def is_full(self, web: Web) -> bool:
        """Whether one more is to come again later."""
        return self._uploads >= web.uploads_max

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place for one upload, until it has been answered."""
        self._uploads += 1
        try:
            yield
        finally:
            self._uploads -= 1

    @asynccontextmanager
    async def memory(self, byte_count: int, web: Web, timeout_s: float) -> AsyncIterator[None]:
        """Memory for one upload, taken before its first byte is read: those that have some can always end, and the
        others wait. One alone always fits. Raises UploadRefused when there is none in time."""

        def fits() -> bool:
            return self.bytes_held == 0 or self.bytes_held + byte_count <= web.uploads_bytes_max

        async with self._freed:
            try:
                await asyncio.wait_for(self._freed.wait_for(fits), timeout_s)
            except TimeoutError:
                raise UploadRefused("busy", "other uploads take the memory there is: try again in a moment") from None
            self.bytes_held += byte_count
        try:
            yield
        finally:
            self.bytes_held -= byte_count
            async with self._freed:
                self._freed.notify_all()

    @asynccontextmanager
    async def turn(self, timeout_s: float) -> AsyncIterator[None]:
        """While it is this upload's turn. Raises UploadRefused when it does not come in time."""
        try:
            await asyncio.wait_for(self._turns.acquire(), timeout_s)
        except TimeoutError:
            raise UploadRefused("busy", "other uploads are being analysed: try again in a moment") from None
        try:
            yield
        finally:
            self._turns.release()
