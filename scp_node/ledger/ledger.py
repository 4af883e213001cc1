"""The ledger over one database: its transactions, and whose turn it is to write."""

from __future__ import annotations

import math
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from scp_node.ledger.database import BUSY_TIMEOUT_MS, is_busy
from scp_node.ledger.transaction import Transaction
from scp_node.ledger.waiting_line import WaitingLine

# SQLite's own wait for another writer grows to 100 ms between two looks, as long as many transactions take together.
_LOOK_AGAIN_MS = 1
# Twice as long as the time between two looks: whoever waits meanwhile comes first.
_GIVE_WAY_S = 0.002
_BEGIN = "BEGIN IMMEDIATE"


class Ledger:
    """The ledger over one database. Thread-safe: every transaction has its own connection.

    One that gives way leaves SQLite's lock alone for a moment when another process waits for it. Else one with many
    transactions would keep all others waiting, because nobody stands in line for that lock. `committed_at` (monotonic)
    is when a transaction last ended well; `commit_fault` names what the database did to the last one that did not.
    """

    def __init__(self, engine: sa.Engine, *, gives_way: bool = False) -> None:
        self.engine, self._gives_way = engine, gives_way
        self._writing = threading.Lock()
        self._not_before = 0.0
        self.committed_at, self.commit_fault = -math.inf, ""
        self._line = WaitingLine(engine.url.database) if engine.dialect.name == "sqlite" else None

    @contextmanager
    def transaction(self, *studies: str) -> Iterator[Transaction]:
        """One commit, durable when the block ends; anything raised inside rolls all of it back. `studies`: the UIDs of
        those that are decided about, which nobody else decides about meanwhile.

        SQLite's write lock is taken first, so that what is read inside cannot change before it is written. Threads of
        this process take turns; for other processes the lock is looked at every millisecond. With PostgreSQL, which
        has many writers, the locks of the studies are taken first. Raises TimeoutError or OperationalError when nobody
        lets go of what is waited for, or the database does not answer.
        """
        try:
            with self._transaction() as tx:
                tx.studies.lock(*studies)
                yield tx
        except (OperationalError, PoolTimeout, TimeoutError) as error:
            self.commit_fault = type(error).__name__
            raise
        self.committed_at, self.commit_fault = time.monotonic(), ""

    @contextmanager
    def _transaction(self) -> Iterator[Transaction]:
        if self._line is None:
            with self.engine.begin() as connection:
                yield Transaction(connection)
            return
        deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
        if not self._writing.acquire(timeout=BUSY_TIMEOUT_MS / 1000):
            raise TimeoutError("the ledger is busy")
        try:
            time.sleep(max(0.0, self._not_before - time.monotonic()))
            with self.engine.begin() as connection:
                _begin_writing(connection, self._line, deadline)
                yield Transaction(connection)
        finally:
            if self._gives_way and self._line.is_anyone_waiting():
                self._not_before = time.monotonic() + _GIVE_WAY_S
            self._writing.release()

    def try_commit(self, wait_s: float, *, write: bool) -> None:
        """Find out whether a transaction could begin now, and with `write` whether one can be made durable, without
        changing anything. Raises TimeoutError when nobody lets go of the lock for `wait_s`, and SQLAlchemyError."""
        if self._line is None:
            with self.engine.begin() as connection:
                connection.exec_driver_sql("SELECT txid_current()" if write else "SELECT 1")
            self.commit_fault = ""
            return
        deadline = time.monotonic() + wait_s
        with self.engine.connect() as connection:
            while not _took_lock(connection, _LOOK_AGAIN_MS):
                if time.monotonic() > deadline:
                    raise TimeoutError("the ledger is busy")
            if write:
                version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
                connection.exec_driver_sql(f"PRAGMA user_version={version}")
            connection.commit()
        if write:
            self.commit_fault = ""

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """For look-ups that change nothing."""
        with self.engine.connect() as connection:
            yield Transaction(connection)


def _begin_writing(connection: sa.Connection, line: WaitingLine, deadline: float) -> None:
    if _took_lock(connection, 0):
        return
    with line.waiting():
        while not _took_lock(connection, _LOOK_AGAIN_MS):
            if time.monotonic() > deadline:
                raise TimeoutError("the ledger is busy")


def _took_lock(connection: sa.Connection, look_for_ms: int) -> bool:
    """Asks the driver itself, because every transaction asks, and SQLAlchemy takes ten times as long as SQLite."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    try:
        driver.execute(f"PRAGMA busy_timeout={look_for_ms}")
        try:
            driver.execute(_BEGIN)
        finally:
            driver.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    except sqlite3.Error as error:
        if is_busy(error):
            return False
        raise DBAPIError.instance(_BEGIN, None, error, sqlite3.Error, dialect=connection.dialect) from error
    return True
