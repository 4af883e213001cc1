"""What is left of a receiver after somebody was hostile to it: it answers, and nothing remains but what it stored."""

from __future__ import annotations

import io
import logging
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scp_node.receive.scp import StorageScp
from scp_node.telemetry.logs import configure_logging
from tests.support.node.receiving import MemoryLedger, files_below
from tests.support.peers.raw_scu import ASSOCIATE_AC, RawPeer
from tests.support.waiting import until

ECHO_WITHIN_S = 2.0
GROWTH_BYTES_MAX = 200 * 2**20
_LOG_LINE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z (DEBUG|INFO|WARNING|ERROR|CRITICAL) [\w.]+ [\x20-\x7e]+")


class Watch:
    """Holds a well-behaved association open while others misbehave, and looks at what they left behind."""

    def __init__(self, receiver: StorageScp, folder: Path, ledger: MemoryLedger, log: LogLines) -> None:
        self._receiver, self._folder, self._ledger, self._log = receiver, folder, ledger, log
        self._bystander = RawPeer(receiver.port, ECHO_WITHIN_S)
        assert self._bystander.associate()[0] == ASSOCIATE_AC
        self._log.take()
        # ours and the receiver's descriptor of the bystander, and its thread, are part of the state at rest
        self._threads, self._descriptors = set(threading.enumerate()), open_descriptors()
        self._memory_bytes = resident_bytes()

    def check(self, stored: int = 0) -> str:
        """Fail unless all is as it was, but for `stored` instances, which are then removed. Returns the log."""
        assert self._bystander.echo().status == 0x0000, "the association that was open all the while is disturbed"
        with RawPeer(self._receiver.port, ECHO_WITHIN_S) as peer:
            assert peer.associate()[0] == ASSOCIATE_AC
            assert peer.echo().status == 0x0000
            peer.release()
        self.settle()
        assert resident_bytes() - self._memory_bytes < GROWTH_BYTES_MAX
        self._check_files(stored)
        text = self._log.take()
        assert [line for line in text.splitlines() if not _LOG_LINE.fullmatch(line)] == []
        return text

    def settle(self) -> None:
        """Wait until all other associations, their threads and their descriptors are gone."""
        until(lambda: self._receiver.association_count == 1, "all other associations ended")
        until(lambda: set(threading.enumerate()) <= self._threads, "their threads ended")
        until(lambda: open_descriptors() <= self._descriptors, "their descriptors are closed")

    def close(self) -> None:
        self._bystander.release()
        self._bystander.socket.close()

    def _check_files(self, stored: int) -> None:
        left, rows = files_below(self._folder), len(self._ledger.rows)
        preambles = {path: path.read_bytes()[:128] for path in left}
        for path in left:  # the next one who looks is to find nothing of this
            path.unlink()
        for table in (self._ledger.rows, self._ledger.seen, self._ledger.jobs):
            table.clear()
        assert len(left) == rows == stored
        for path, preamble in preambles.items():
            assert re.fullmatch(r"spool/([0-9a-f]{2})/\1[0-9a-f]{62}\.dcm", str(path.relative_to(self._folder)))
            assert preamble == bytes(128)


class LogLines:
    """The node's log as an administrator reads it."""

    def __init__(self) -> None:
        self._stream, self._records = io.StringIO(), 0
        configure_logging("info", "text", self._stream)
        self._handler = logging.getLogger().handlers[-1]
        self._handler.addFilter(self._count)

    def _count(self, record: logging.LogRecord) -> bool:
        self._records += 1
        return True

    def take(self) -> str:
        """What was logged since the last call; as many lines as events, whatever was in them."""
        self._handler.acquire()
        try:
            text, records = self._stream.getvalue(), self._records
            self._stream.seek(0)
            self._stream.truncate()
            self._records = 0
        finally:
            self._handler.release()
        assert text.count("\n") == len(text.splitlines()) <= records
        return text

    def close(self) -> None:
        logging.getLogger().removeHandler(self._handler)


@contextmanager
def watching(receiver: StorageScp, folder: Path, ledger: MemoryLedger) -> Iterator[Watch]:
    """A `Watch` over a receiver whose folder holds nothing but its spool."""
    log = LogLines()
    watch = Watch(receiver, folder, ledger, log)
    try:
        yield watch
        watch.close()
    finally:
        log.close()


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def resident_bytes(pid: int | str = "self") -> int:
    pages = int((Path("/proc") / str(pid) / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
