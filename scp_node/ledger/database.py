"""Opens the database that ledger and engine share, and brings its tables up to date."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from alembic import command
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from scp_node.errors import ConfigurationError, LedgerDamaged
from scp_node.ledger.shape import migrations, revision_of, shape_called
from scp_node.ledger.tickets import are_tickets_used
from scp_node.settings.postgresql import DatabaseLimits

BUSY_TIMEOUT_MS = 30_000
# SQLite's own come through unwrapped while a connection is being opened.
DATABASE_ERRORS = (DatabaseError, sqlite3.DatabaseError)
_DEADLOCK = "40P01"
NO_LIMITS_SET = DatabaseLimits()
# Held while tables are brought up to date, so that one process of all hosts does it; each schema has its own.
_MIGRATION_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' migration', 0))"


def open_database(url: str, limits: DatabaseLimits = NO_LIMITS_SET) -> sa.Engine:
    """An engine whose every commit is on the disk before it returns.

    SQLite: write-ahead log, synchronous=FULL, and write transactions that take their lock at once, so that two
    processes wait for each other instead of failing half-way. `limits` are for PostgreSQL. Raises ConfigurationError
    where the driver is missing.
    """
    if not url.startswith("sqlite"):
        return _open_postgresql(url, limits, read_only=False)
    engine = sa.create_engine(url, hide_parameters=True, pool_size=20, max_overflow=20, pool_timeout=30)

    @sa.event.listens_for(engine, "connect")
    def _set_pragmas(connection: Any, record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=FAST",  # what is deleted is overwritten where that costs no further write
        ):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _open_postgresql(url: str, limits: DatabaseLimits, *, read_only: bool) -> sa.Engine:
    try:
        from scp_node.ledger.postgresql import open_postgresql  # its driver is installed where it is used

        return open_postgresql(url, limits, read_only=read_only)
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"storage.database_url needs {error.name}: install hilum[postgresql]") from error


def open_for_reading(url: str, limits: DatabaseLimits = NO_LIMITS_SET) -> sa.Engine:
    """An engine that changes nothing, and for which no writer ever waits.

    An SQLite file that nobody has open is read as it is: a reader that opened it in the usual way would leave files
    beside it, and may not even do so where the folder belongs to another user. Raises ConfigurationError.
    """
    if not url.startswith("sqlite"):
        return _open_postgresql(url, limits, read_only=True)
    path = Path(sa.make_url(url).database or "")

    def connect() -> sqlite3.Connection:
        is_open = path.with_name(f"{path.name}-wal").exists()
        name = f"file:{quote(str(path))}?mode=ro" + ("" if is_open else "&immutable=1")
        connection = sqlite3.connect(name, uri=True, timeout=BUSY_TIMEOUT_MS / 1000, check_same_thread=False)
        connection.execute("PRAGMA query_only=ON")
        return connection

    return sa.create_engine(url, creator=connect, hide_parameters=True)


def is_busy(error: BaseException) -> bool:
    """Whether somebody else holds SQLite's write lock."""
    code = getattr(getattr(error, "orig", error), "sqlite_errorcode", 0)
    return code & 0xFF == sqlite3.SQLITE_BUSY  # the rest of an extended code tells why


def is_damaged(error: BaseException) -> bool:
    """Whether SQLite has found the file damaged, or no database."""
    code = getattr(getattr(error, "orig", error), "sqlite_errorcode", 0)
    return code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_unavailable(error: BaseException) -> bool:
    """Whether the database as a whole failed, not what it was asked: another question would fare no better. Of two
    transactions that wait for each other PostgreSQL ends one, which may be tried again at once."""
    if isinstance(error, OperationalError):
        return getattr(error.orig, "sqlstate", None) != _DEADLOCK
    return isinstance(error, PoolTimeout | TimeoutError)


def is_failed_fsync(error: BaseException) -> bool:
    """Whether SQLite could not bring a commit to the disk. The kernel may have dropped what it was to write; a further
    commit may report success and still rest on it."""
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", None)
    return code in (sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC)


def leave_nothing_behind(engine: sa.Engine, wait_s: float) -> None:
    """Rewrite the database, so that nothing of deleted rows is left in its free space or, with SQLite, in its log.

    SQLite: writers wait meanwhile, and for that time the disk needs room for a second copy. Raises TimeoutError when
    others use the log for `wait_s`, and SQLAlchemyError.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        _wait_for_ever(connection)
        if not connection.connection.is_detached:
            connection.detach()  # it is closed after, and nobody gets one that commits by itself
        connection.exec_driver_sql("VACUUM")
        if engine.dialect.name != "sqlite":
            return
        connection.exec_driver_sql("PRAGMA busy_timeout=100")
        deadline = time.monotonic() + wait_s
        while connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]:
            if time.monotonic() > deadline:
                raise TimeoutError("others use the log of the ledger")
            time.sleep(0.1)


def _wait_for_ever(connection: sa.Connection) -> None:
    """On a connection that nobody gets after."""
    if connection.dialect.name != "sqlite":
        from scp_node.ledger.postgresql import wait_for_ever

        connection.detach()
        wait_for_ever(connection)


def migrate(engine: sa.Engine) -> None:
    """Bring the ledger's tables to the newest shape; safe to call at every start: with PostgreSQL by any number of
    processes, with SQLite by one at a time. Raises ConfigurationError, and changes nothing, where a newer release has
    used the ledger; LedgerDamaged."""
    config = migrations()
    try:
        with engine.connect() as connection, connection.begin():
            if engine.dialect.name != "sqlite":
                _wait_for_ever(connection)
                connection.exec_driver_sql(_MIGRATION_LOCK)
            shape = shape_called(revision_of(connection), f"the ledger {engine.url.database}")
            if shape.fault:
                raise ConfigurationError(f"{shape.fault}\n    {shape.remedy}")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            if are_tickets_used(engine):
                from scp_node.ledger.ticket_shape import make_ticket_tables

                make_ticket_tables(connection)
    except DATABASE_ERRORS as error:
        if is_damaged(error):
            raise LedgerDamaged(str(engine.url.database), str(getattr(error, "orig", error))) from error
        raise
