"""How often somebody may try a password: a few times, then ever more slowly, for each account and for each address."""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

FREE_OF_ACCOUNT, FREE_OF_ADDRESS = 5, 20
FIRST_LOCK_S, LONGEST_LOCK_S = 15.0, 900.0
FORGOTTEN_AFTER_S = 3600.0
KEYS_MAX = 20_000
NAME_CHARS_MAX = 64


@dataclass
class _Tries:
    count: int = 0
    last: float = -math.inf
    not_before: float = -math.inf


class Throttle:
    """Counts tries that did not succeed. Whether an account exists makes no difference. What it knows is lost when the
    process ends; what has been tried longest ago makes room when it knows too many. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._tries: OrderedDict[str, _Tries] = OrderedDict()

    def begin(self, name: str, address: str) -> float:
        """The seconds until one may try again; 0.0 for now, and then it is counted, so that nobody tries many at once
        before the first is found wrong."""
        now = self._clock()
        with self._lock:
            found = [(self._of(key, now), free) for key, free in self._keys(name, address)]
            wait_s = max(one.not_before - now for one, _ in found)
            if wait_s > 0:
                return wait_s
            for one, free in found:
                one.count, one.last = one.count + 1, now
                if one.count >= free:
                    one.not_before = now + min(LONGEST_LOCK_S, FIRST_LOCK_S * 2 ** min(one.count - free, 10))
            return 0.0

    def succeeded(self, name: str, address: str) -> None:
        """The last try was right: the account starts anew, and the address has one try back, because it may have been
        somebody with an account who tries others'."""
        with self._lock:
            (account, _), (place, _) = self._keys(name, address)
            self._tries.pop(account, None)
            if place in self._tries:
                one = self._tries[place]
                one.count = max(0, one.count - 1)
                if one.count < FREE_OF_ADDRESS:
                    one.not_before = -math.inf

    def take_back(self, name: str, address: str) -> None:
        """The last try was not looked at: it does not count."""
        with self._lock:
            for key, _ in self._keys(name, address):
                if key in self._tries:
                    one = self._tries[key]
                    one.count, one.not_before = max(0, one.count - 1), -math.inf

    def _of(self, key: str, now: float) -> _Tries:
        one = self._tries.get(key)
        if one is None or now - one.last > FORGOTTEN_AFTER_S:
            one = self._tries[key] = _Tries()
        self._tries.move_to_end(key)
        while len(self._tries) > KEYS_MAX:
            self._tries.popitem(last=False)
        return one

    @staticmethod
    def _keys(name: str, address: str) -> tuple[tuple[str, int], tuple[str, int]]:
        account = f"account {name.strip().lower()[:NAME_CHARS_MAX]}"
        return (account, FREE_OF_ACCOUNT), (f"address {network_of(address)}", FREE_OF_ADDRESS)


def network_of(address: str) -> str:
    """An IPv4 address itself; of IPv6 the /64, in which one machine has as many addresses as it likes."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(found) if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False))
