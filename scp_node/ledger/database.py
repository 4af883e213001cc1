"""Opens the database that ledger and engine share, and brings its tables up to date."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from scp_node.errors import ConfigurationError

BUSY_TIMEOUT_MS = 30_000


def open_database(url: str) -> sa.Engine:
    """An engine whose every commit is on the disk before it returns.

    SQLite: write-ahead log, synchronous=FULL, and write transactions that take their lock at once, so that two
    processes wait for each other instead of failing half-way. Raises ConfigurationError where the driver is missing.
    """
    if not url.startswith("sqlite"):
        try:
            return sa.create_engine(
                url, hide_parameters=True, pool_pre_ping=True, pool_size=20, max_overflow=10, pool_timeout=10
            )
        except ModuleNotFoundError as error:
            raise ConfigurationError(f"storage.database_url needs {error.name}: install hilum[postgresql]") from error
    engine = sa.create_engine(url, hide_parameters=True, pool_size=20, max_overflow=20, pool_timeout=30)

    @sa.event.listens_for(engine, "connect")
    def _set_pragmas(connection: Any, record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def is_busy(error: BaseException) -> bool:
    """Whether somebody else holds SQLite's write lock."""
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", 0)
    return code & 0xFF == sqlite3.SQLITE_BUSY  # the rest of an extended code tells why


def is_failed_fsync(error: BaseException) -> bool:
    """Whether SQLite could not bring a commit to the disk. The kernel may have dropped what it was to write; a further
    commit may report success and still rest on it."""
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", None)
    return code in (sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC)


def migrate(engine: sa.Engine) -> None:
    """Bring the ledger's tables to the newest shape; safe to call at every start, by one process at a time."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
