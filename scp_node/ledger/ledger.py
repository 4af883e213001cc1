"""The ledger: its transactions, and every statement that reads or writes it. The statements take the caller's
transaction, so that what belongs together commits together; each table's are in a module of their own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from scp_node.ledger.commitments import Commitments
from scp_node.ledger.database import BUSY_TIMEOUT_MS
from scp_node.ledger.jobs import Jobs
from scp_node.ledger.reports import Reports

# SQLite's own wait for another writer grows to 100 ms between two looks, as long as many transactions take together.
_LOOK_AGAIN_MS = 1
# Twice as long as the time between two looks: whoever waits meanwhile comes first.
_GIVE_WAY_S = 0.002


class Ledger(Reports, Commitments, Jobs):
    """The ledger over one database. Thread-safe: every transaction has its own connection.

    One that gives way leaves SQLite's lock alone for a moment after each transaction of its own. Else a process with
    many of them one after the other would keep all others waiting, because nobody stands in line for that lock.
    """

    def __init__(self, engine: sa.Engine, *, gives_way: bool = False) -> None:
        self.engine, self._gives_way = engine, gives_way
        self._writing = threading.Lock()
        self._not_before = 0.0

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """One commit, durable when the block ends; anything raised inside rolls all of it back.

        SQLite's write lock is taken first, so that what is read inside cannot change before it is written. Threads of
        this process take turns; for other processes the lock is looked at every few milliseconds. Raises TimeoutError
        or OperationalError when nobody lets go of it.
        """
        if self.engine.dialect.name != "sqlite":
            with self.engine.begin() as tx:
                yield tx
            return
        deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
        if not self._writing.acquire(timeout=BUSY_TIMEOUT_MS / 1000):
            raise TimeoutError("the ledger is busy")
        try:
            time.sleep(max(0.0, self._not_before - time.monotonic()))
            with self.engine.begin() as tx:
                _begin_writing(tx, deadline)
                yield tx
        finally:
            if self._gives_way:
                self._not_before = time.monotonic() + _GIVE_WAY_S
            self._writing.release()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection for look-ups that change nothing."""
        with self.engine.connect() as connection:
            yield connection


def _begin_writing(tx: sa.Connection, deadline: float) -> None:
    tx.exec_driver_sql(f"PRAGMA busy_timeout={_LOOK_AGAIN_MS}")
    try:
        while True:
            try:
                tx.exec_driver_sql("BEGIN IMMEDIATE")
                return
            except OperationalError:
                if time.monotonic() > deadline:
                    raise
    finally:
        tx.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
