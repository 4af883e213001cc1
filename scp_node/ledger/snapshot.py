"""A consistent copy of a SQLite ledger while others write into it, and whether a ledger is whole."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

import sqlalchemy as sa

from scp_node.errors import LedgerDamaged
from scp_node.ledger.database import DATABASE_ERRORS, is_damaged


def take_snapshot(engine: sa.Engine, target: Path) -> None:
    """Write the ledger as it is at this moment to `target`, which must not exist or be empty, and compact it.

    VACUUM INTO rather than SQLite's backup API: it reads in one transaction, for which no writer waits (WAL), it never
    begins anew because somebody writes, and what was deleted is not in the copy. Raises LedgerDamaged and OSError.
    """
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("VACUUM INTO ?", (str(target),))
    except DATABASE_ERRORS as error:
        _raise(error, engine.url.database or "", target)


@contextmanager
def opened_snapshot(path: Path) -> Iterator[sa.Connection]:
    """Look into a ledger that nobody writes to, without leaving anything beside it."""
    uri = f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1"
    engine = sa.create_engine("sqlite://", creator=lambda: sqlite3.connect(uri, uri=True), poolclass=sa.NullPool)
    try:
        with engine.connect() as connection:
            yield connection
    except DATABASE_ERRORS as error:
        _raise(error, str(path), path)


def check_integrity(path: Path) -> None:
    """Read all of a ledger that nobody writes to. Raises LedgerDamaged."""
    with opened_snapshot(path) as connection:
        found = connection.exec_driver_sql("PRAGMA integrity_check(3)").scalars().all()
    if found != ["ok"]:
        raise LedgerDamaged(str(path), "; ".join(map(str, found)))


def _raise(error: Exception, name: str, target: Path) -> NoReturn:
    """SQLite's errors in the node's words: a full disk is one of the file that is written."""
    told = str(getattr(error, "orig", error))
    if is_damaged(error):
        raise LedgerDamaged(name, told) from error
    raise OSError(0, told, str(target)) from error
