"""Senders who remember what was promised to them: each instance answered with 0x0000, and the SHA-256 of its bytes."""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.support.dicom.phantoms import make_dx
from tests.support.node.receiving import data_set_bytes
from tests.support.peers.raw_scu import ASSOCIATE_AC, EXPLICIT_LE, RawPeer
from tests.support.waiting import until

DX = "1.2.840.10008.5.1.4.1.1.1.1"
_FIRST_NUMBER = 10**30
_RECONNECT_S = 0.02


class Instances:
    """Made-up images of equal size, each with an own UID and own pixels."""

    def __init__(self, rows: int = 256, columns: int = 200) -> None:
        self._uid = _uid(0)
        self._template = data_set_bytes(make_dx(rows=rows, columns=columns, SOPInstanceUID=self._uid))
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def next(self) -> tuple[str, bytes]:
        """UID and data set of the next one."""
        with self._lock:
            uid = _uid(next(self._numbers))
        return uid, self.numbered(uid)

    def numbered(self, uid: str) -> bytes:
        data = self._template.replace(self._uid.encode(), uid.encode())
        mark = hashlib.sha512(uid.encode()).digest()
        return data[: -len(mark)] + mark

    def sha256(self, uid: str) -> str:
        return hashlib.sha256(self.numbered(uid)).hexdigest()


def _uid(number: int) -> str:
    return f"2.25.{_FIRST_NUMBER + number}"


class Load:
    """Sends over several associations, again and again, whatever becomes of the receiver."""

    def __init__(self, port: int, instances: Instances, associations: int = 4) -> None:
        self.port, self._instances, self._associations = port, instances, associations
        self.acknowledged: dict[str, str] = {}
        self.unanswered: set[str] = set()
        self.statuses: Counter[int] = Counter()
        self._stop = threading.Event()

    @contextmanager
    def running(self) -> Iterator[Load]:
        self._stop.clear()
        threads = [threading.Thread(target=self._send) for _ in range(self._associations)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def stop(self) -> None:
        """Send nothing more; what is under way may wait for its answer or the end of its connection."""
        self._stop.set()

    def wait_for(self, count: int, timeout_s: float = 60) -> None:
        """Wait until `count` more instances are acknowledged."""
        wanted = len(self.acknowledged) + count
        until(lambda: len(self.acknowledged) >= wanted, f"{count} instances acknowledged", timeout_s)

    def _send(self) -> None:
        while not self._stop.is_set():
            with suppress(OSError, AssertionError), RawPeer(self.port, timeout_s=30) as peer:
                if peer.associate([(DX, EXPLICIT_LE)])[0] == ASSOCIATE_AC:
                    self._send_over(peer)
            self._stop.wait(_RECONNECT_S)

    def _send_over(self, peer: RawPeer) -> None:
        while not self._stop.is_set():
            uid, data = self._instances.next()
            self.unanswered.add(uid)
            status = peer.store(data, DX, uid).status
            self.unanswered.discard(uid)
            self.statuses[status] += 1
            if status == 0x0000:
                self.acknowledged[uid] = hashlib.sha256(data).hexdigest()
        peer.release()


def store_again(port: int, instances: Instances, uids: set[str]) -> dict[str, int]:
    """Send these once more; the status of each."""
    if not uids:
        return {}
    with RawPeer(port, timeout_s=30) as peer:
        assert peer.associate([(DX, EXPLICIT_LE)])[0] == ASSOCIATE_AC
        statuses = {uid: peer.store(instances.numbered(uid), DX, uid).status for uid in sorted(uids)}
        peer.release()
    return statuses
