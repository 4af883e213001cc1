"""A ledger in another database, row by row: from the SQLite file to PostgreSQL, or the way back.

All rows are copied in one transaction and read back before it ends, so that the other database has all of the ledger or
nothing of it. What is compared is a sum over rows, because databases sort text differently.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from scp_node.errors import HilumError, UsageError
from scp_node.host.lock_file import exclusive
from scp_node.ledger import account_tables, removal_tables, watch_tables
from scp_node.ledger import tables as t
from scp_node.ledger.database import migrate, open_database
from scp_node.ledger.hosts import Hosts
from scp_node.ledger.records import now_utc
from scp_node.ledger.shape import shape_of
from scp_node.recovery.interrupted import ledger_file
from scp_node.settings import Settings
from scp_node.settings.places import database_url, in_use_lock
from scp_node.storage.durable_files import fsync_folder

ROWS_AT_ONCE = 1000
SUM_BYTES = 32
# Each of these modules enters its tables there.
METADATA = {one.metadata for one in (t, account_tables, removal_tables, watch_tables)}
SUFFIXES = ("", "-wal", "-shm")
OnRow = Callable[[], None]


@dataclass(frozen=True)
class TableSum:
    """How many rows, and the sum of their SHA-256 modulo 2^256: the same for the same rows in any order."""

    rows: int = 0
    digest: int = 0

    def __add__(self, other: TableSum) -> TableSum:
        return TableSum(self.rows + other.rows, (self.digest + other.digest) % 2 ** (8 * SUM_BYTES))


@dataclass(frozen=True)
class MovedLedger:
    """target: its URL without the password; tables: rows of each; was_there: an earlier run had copied all of it;
    kept_aside: the file that was the ledger, under a name that no node opens."""

    target: str
    tables: dict[str, int]
    was_there: bool
    kept_aside: Path | None


def move_ledger(settings: Settings, target_url: str, on_row: OnRow = lambda: None) -> MovedLedger:
    """Copy the ledger of a node that is stopped into the database at `target_url`, and set the old file aside.

    The configuration stays as it is: with the old one the node does not start, because its ledger is gone. Raises
    ConfigurationError where a node runs; UsageError where the target is the ledger itself, holds another ledger, or
    either is of another shape; HilumError where a database refuses a row or gives back another one. Then nothing has
    changed.
    """
    _check_address(target_url)
    source_url, data_dir = database_url(settings), settings.node.data_dir
    if _same_place(source_url, target_url):
        raise UsageError("--to names the database that the ledger is in")
    file = ledger_file(settings)
    if file is not None and not file.exists():  # to open it would make one
        raise UsageError(f"there is no ledger at {file}")
    running = f"{data_dir} is held by a node that runs: stop it first"
    with (
        exclusive(in_use_lock(data_dir), 0, taken=running),
        _opened(source_url) as source,
        _opened(target_url) as target,
    ):
        _check_source(source, settings)
        migrate(target)
        try:
            tables, was_there = _copied(source, target, on_row)
        except SQLAlchemyError as error:
            told = str(getattr(error, "orig", None) or error).strip().split("\n", 1)[0]
            raise HilumError(f"the ledger was not moved: {told}") from error
        return MovedLedger(shown(target_url), tables, was_there, None if file is None else _set_aside(source, file))


def shown(url: str) -> str:
    """`url` without its password."""
    return sa.make_url(url).render_as_string(hide_password=True)


def _same_place(one: str, other: str) -> bool:
    def place(url: str) -> tuple[object, ...]:
        parsed = sa.make_url(url)
        return parsed.get_backend_name(), parsed.host, parsed.port, parsed.database, sorted(parsed.query.items())

    return place(one) == place(other)


def _check_address(url: str) -> None:
    try:
        parsed = sa.make_url(url)
        backend = parsed.get_backend_name()
        lasts = backend == "postgresql" or (backend == "sqlite" and parsed.database not in (None, "", ":memory:"))
    except sa.exc.ArgumentError:
        lasts = False
    if not lasts:
        raise UsageError("--to is no address of a database: postgresql+psycopg://USER@HOST/NAME, or sqlite:////FILE")


@contextmanager
def _opened(url: str) -> Iterator[sa.Engine]:
    engine = open_database(url)
    try:
        with engine.connect():
            pass
        yield engine
    except sa.exc.OperationalError as error:
        raise HilumError(f"{shown(url)}: {str(error.orig).strip()}") from error
    finally:
        engine.dispose()


def _check_source(source: sa.Engine, settings: Settings) -> None:
    shape = shape_of(source)
    if shape.fault:
        raise UsageError(f"{shape.fault}. {shape.remedy}")
    if shape.is_older:
        raise UsageError("the ledger is of an older release: start 'hilum serve' once, which updates it, and stop it")
    if source.dialect.name != "sqlite":
        with source.connect() as connection:
            held = connection.execute(sa.select(sa.func.count()).where(t.job.c.state == "running")).scalar_one()
            alive = Hosts(connection).alive_hosts(settings.node.silent_after_s)
        if held:
            raise UsageError(f"{held} jobs are being worked on: stop every node of this database first")
        if alive:
            raise UsageError(
                f"{', '.join(alive)} said within {settings.node.silent_after_s:.0f} s that it runs: stop every node of "
                "this database first"
            )


def _copied(source: sa.Engine, target: sa.Engine, on_row: OnRow) -> tuple[dict[str, int], bool]:
    """Rows of each table, and whether they were there before."""
    (metadata,) = METADATA
    tables = metadata.sorted_tables
    with source.connect() as reading, target.begin() as writing:
        _keep_others_out(reading, tables)
        _keep_others_out(writing, tables)
        there = {table.name: _sum_of(writing, table) for table in tables}
        if any(one.rows for one in there.values()):
            if there == {table.name: _sum_of(reading, table) for table in tables}:
                return {name: one.rows for name, one in there.items()}, True
            rows = sum(one.rows for one in there.values())
            raise UsageError(
                f"{target.url.render_as_string()} holds another ledger already, of {rows} rows: name an empty database"
            )
        moved = {}
        for table in tables:
            given = _copy_table(reading, writing, table, on_row)
            if _sum_of(writing, table) != given:
                raise HilumError(f"{table.name}: the database does not give back the rows that it was given")
            moved[table.name] = given.rows
        return moved, False


def _keep_others_out(writing: sa.Connection, tables: list[sa.Table]) -> None:
    """Nobody writes until the end. SQLite has one writer anyway."""
    if writing.dialect.name == "postgresql":
        names = ", ".join(table.name for table in tables)
        writing.exec_driver_sql(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE NOWAIT")


def _copy_table(reading: sa.Connection, writing: sa.Connection, table: sa.Table, on_row: OnRow) -> TableSum:
    total = TableSum()
    for rows in _batches(reading, table):
        writing.execute(table.insert(), rows)
        for row in rows:
            total += _sum_of_row(row)
            on_row()
    number = table.autoincrement_column
    if total.rows and number is not None and writing.dialect.name == "postgresql":
        last = sa.select(sa.func.max(number)).scalar_subquery()
        writing.execute(sa.select(sa.func.setval(sa.func.pg_get_serial_sequence(table.name, number.name), last)))
    return total


def _sum_of(connection: sa.Connection, table: sa.Table) -> TableSum:
    total = TableSum()
    for rows in _batches(connection, table):
        for row in rows:
            total += _sum_of_row(row)
    return total


def _batches(connection: sa.Connection, table: sa.Table) -> Iterator[list[dict[str, Any]]]:
    result = connection.execute(sa.select(table).execution_options(stream_results=True))
    for rows in result.mappings().partitions(ROWS_AT_ONCE):
        yield [dict(row) for row in rows]


def _sum_of_row(row: dict[str, Any]) -> TableSum:
    text = json.dumps(row, sort_keys=True, default=_as_text)
    return TableSum(1, int.from_bytes(hashlib.sha256(text.encode()).digest(), "big"))


def _as_text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    raise TypeError(f"a column of the ledger holds {type(value).__name__}")


def _set_aside(source: sa.Engine, file: Path) -> Path:
    """Rename the ledger, so that no node goes on with what is no longer the truth."""
    with source.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.detach()
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    source.dispose()
    kept = file.with_name(f"{file.stem}-moved-{now_utc():%Y%m%dT%H%M%SZ}{file.suffix}")
    for suffix in SUFFIXES:
        part = file.with_name(f"{file.name}{suffix}")
        if part.exists():
            part.rename(kept.with_name(f"{kept.name}{suffix}"))
    fsync_folder(file.parent)  # a power cut must not bring the old one back
    return kept
