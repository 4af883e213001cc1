"""The ledger: its transactions, and every statement that reads or writes it. The statements take the caller's
transaction, so that what belongs together commits together; each table's are in a module of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from scp_node.ledger.commitments import Commitments
from scp_node.ledger.jobs import Jobs
from scp_node.ledger.reports import Reports


class Ledger(Reports, Commitments, Jobs):
    """The ledger over one database. Thread-safe: every transaction has its own connection."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """One commit, durable when the block ends; anything raised inside rolls all of it back.

        SQLite's write lock is taken first, so that what is read inside cannot change before it is written.
        """
        with self.engine.begin() as tx:
            if self.engine.dialect.name == "sqlite":
                tx.exec_driver_sql("BEGIN IMMEDIATE")
            yield tx

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection for look-ups that change nothing."""
        with self.engine.connect() as connection:
            yield connection
