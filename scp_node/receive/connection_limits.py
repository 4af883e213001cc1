"""How many connections and associations there may be, counted before any of them costs a thread.

A connection without an association has not asked for one yet, was rejected, or has been released. It is evictable:
where one connection too many would be open, the oldest evictable one is closed. Silent connections keep nobody out.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from scp_node.receive.access import TOO_MANY_ASSOCIATIONS, TOO_MANY_OF_ONE_AE, Rejection
from scp_node.settings import Receiver
from scp_node.telemetry import metrics

log = logging.getLogger(__name__)

# An address that was quiet may open this many seconds' worth of connections at once.
BURST_S = 2.0
_LOG_EVERY_S = 1.0


class IncomingConnection(Protocol):
    """What is known of a connection here."""

    peer_address: str

    def hang_up(self) -> None:
        """End it from another thread."""


@dataclass
class _Address:
    """What one address has open, and how many more it may open now."""

    name: str
    tokens: float
    refilled_at: float
    connections: int = 0
    evictable: OrderedDict[IncomingConnection, None] = field(default_factory=OrderedDict)


class ConnectionLimits:
    """Counts in constant time, under one lock. `limits` is called each time, so that they may change."""

    def __init__(self, limits: Callable[[], Receiver], clock: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._clock = limits, clock
        self._changed = threading.Condition()
        self._open: dict[IncomingConnection, _Address] = {}
        self._evicted: set[IncomingConnection] = set()  # hung up, not yet at its end
        self._evictable: OrderedDict[IncomingConnection, None] = OrderedDict()
        self._associated: dict[IncomingConnection, str] = {}
        self._of_ae: Counter[str] = Counter()
        self._addresses: dict[str, _Address] = {}
        self._quiet: OrderedDict[str, None] = OrderedDict()  # without a connection, the longest first
        self._unlogged: Counter[str] = Counter()
        self._logged_evicted = 0
        self._logged_at = -_LOG_EVERY_S
        # Since the start, for metrics.
        self.connections_total = self.associations_total = 0
        self.dropped_total: Counter[str] = Counter()  # by the limit that was reached
        self.evicted_total = 0

    @property
    def connections(self) -> int:
        return len(self._open)

    @property
    def evictable(self) -> int:
        return len(self._evictable)

    @property
    def associations(self) -> int:
        return len(self._associated)

    @property
    def addresses(self) -> int:
        return len(self._addresses)

    # --- connections ----------------------------------------------------------------------------------------------

    def admits(self, address: str, *, is_proxy: bool = False) -> bool:
        """Whether one more connection of this address may be served. Evicts another one where that makes room. The
        limits of an address are not those of a proxy: they wait for `transfer`."""
        limits = self._limits()
        with self._changed:
            of_address = self._refilled(address, limits)
            limit = "" if is_proxy else self._reached_by(of_address, limits)
            if not limit and len(self._open) >= limits.connections_max and not self._evict(self._evictable):
                limit = "connections_max"
            if limit:
                self._note_dropped(limit)
            elif not is_proxy:
                of_address.tokens -= 1
            return not limit

    def enter(self, connection: IncomingConnection) -> None:
        """A connection that was let in begins."""
        with self._changed:
            self._add(connection, self._refilled(connection.peer_address, self._limits()))
            self.connections_total += 1

    def transfer(self, connection: IncomingConnection, address: str) -> bool:
        """A proxy has said that `address` calls: whether one more connection of that may be served. If so, it is
        counted there from now on; if not, it has to end."""
        limits = self._limits()
        with self._changed:
            if connection not in self._open:  # evicted meanwhile
                return False
            self._remove(connection)
            of_address = self._refilled(address, limits)
            if limit := self._reached_by(of_address, limits):
                self._note_dropped(limit)
                self._evicted.add(connection)
                return False
            of_address.tokens -= 1
            self._add(connection, of_address)
            return True

    def protect(self, connection: IncomingConnection) -> None:
        """It is about to close by itself, and must not be evicted any more."""
        with self._changed:
            self._protect(connection)

    def leave(self, connection: IncomingConnection) -> None:
        """It has ended."""
        with self._changed:
            self._dissociate(connection)
            self._remove(connection)
            self._evicted.discard(connection)
            self._changed.notify_all()

    def wait_until_left(self, timeout_s: float) -> int:
        """Wait for all connections to end. Returns how many have not."""
        with self._changed:
            self._changed.wait_for(lambda: not self._open and not self._evicted, timeout_s)
            return len(self._open) + len(self._evicted)

    # --- associations ---------------------------------------------------------------------------------------------

    def associate(self, connection: IncomingConnection, calling_ae_title: str) -> Rejection | None:
        """Count an association, unless there are as many as there may be."""
        limits = self._limits()
        with self._changed:
            if len(self._associated) >= limits.associations_max:
                return TOO_MANY_ASSOCIATIONS
            if self._of_ae[calling_ae_title] >= limits.associations_per_ae_max:
                return TOO_MANY_OF_ONE_AE
            self._protect(connection)
            self._associated[connection] = calling_ae_title
            self._of_ae[calling_ae_title] += 1
            self.associations_total += 1
            return None

    def dissociate(self, connection: IncomingConnection) -> None:
        """It is released or aborted; its connection may still wait for the peer to close."""
        with self._changed:
            if self._dissociate(connection) and (of_address := self._open.get(connection)) is not None:
                of_address.evictable[connection] = self._evictable[connection] = None

    # --- what is dropped ------------------------------------------------------------------------------------------

    def log_dropped(self) -> float | None:
        """Log what was dropped, once a second at most. Returns how long to wait until there is more to log, or None."""
        with self._changed:
            if not self._unlogged and self._logged_evicted == self.evicted_total:
                return None
            wait_s = self._logged_at + _LOG_EVERY_S - self._clock()
            if wait_s > 0:
                return wait_s
            dropped, self._unlogged, self._logged_at = self._unlogged, Counter(), self._clock()
            evicted, self._logged_evicted = self.evicted_total - self._logged_evicted, self.evicted_total
        log.warning(
            "connections dropped",
            extra={"refused": dropped.total(), "limits": sorted(dropped), "oldest_silent_closed": evicted},
        )
        return None

    # --- under the lock -------------------------------------------------------------------------------------------

    def _reached_by(self, of_address: _Address, limits: Receiver) -> str:
        """The limit that this address has reached, or nothing. Evicts a connection of it where that makes room."""
        if of_address.tokens < 1:
            return "connections_per_s_max"
        if of_address.connections >= limits.connections_per_address_max and not self._evict(of_address.evictable):
            return "connections_per_address_max"
        return ""

    def _note_dropped(self, limit: str) -> None:
        self.dropped_total[limit] += 1
        self._unlogged[limit] += 1
        metrics.connections_dropped.labels(limit).inc()

    def _add(self, connection: IncomingConnection, of_address: _Address) -> None:
        of_address.connections += 1
        of_address.evictable[connection] = self._evictable[connection] = None
        self._quiet.pop(of_address.name, None)
        self._open[connection] = of_address

    def _refilled(self, address: str, limits: Receiver) -> _Address:
        """The address with the tokens it has now. Addresses that have been quiet for long enough are forgotten."""
        now, capacity = self._clock(), max(1.0, limits.connections_per_s_max * BURST_S)
        while self._quiet:
            oldest = next(iter(self._quiet))
            if now - self._addresses[oldest].refilled_at < BURST_S:
                break
            del self._quiet[oldest], self._addresses[oldest]
        of_address = self._addresses.get(address)
        if of_address is None:
            of_address = self._addresses[address] = _Address(address, capacity, now)
            self._quiet[address] = None
        elif address in self._quiet:
            self._quiet.move_to_end(address)
        tokens = of_address.tokens + (now - of_address.refilled_at) * limits.connections_per_s_max
        of_address.tokens, of_address.refilled_at = min(capacity, tokens), now
        return of_address

    def _evict(self, candidates: OrderedDict[IncomingConnection, None]) -> bool:
        if not candidates:
            return False
        oldest = next(iter(candidates))
        self._remove(oldest)
        self._evicted.add(oldest)
        oldest.hang_up()
        self.evicted_total += 1
        metrics.connections_dropped.labels("oldest_silent").inc()
        return True

    def _protect(self, connection: IncomingConnection) -> None:
        if (of_address := self._open.get(connection)) is not None:
            self._evictable.pop(connection, None)
            of_address.evictable.pop(connection, None)

    def _remove(self, connection: IncomingConnection) -> None:
        self._protect(connection)
        of_address = self._open.pop(connection, None)
        if of_address is not None:
            of_address.connections -= 1
            if not of_address.connections:
                self._quiet[of_address.name] = None

    def _dissociate(self, connection: IncomingConnection) -> bool:
        title = self._associated.pop(connection, None)
        if title is None:
            return False
        self._of_ae[title] -= 1
        if not self._of_ae[title]:
            del self._of_ae[title]
        return True
