"""Every file of the spool that a ledger names, in the order of the names: also of a ledger in an older shape."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import sqlalchemy as sa

# By table: what tells a whole file. Of a received object the digest is of its data set, of a result of the file.
_TABLES = {"hilum_instance": "digest", "hilum_instance_version": "digest", "hilum_result": "sha256"}


@dataclass(frozen=True)
class NamedFile:
    """A file that rows stand on. `bytes` and `digest` are of its data set, which ends the file (XXH3-128), or of all of
    it where `is_result` (SHA-256)."""

    name: str
    bytes: int
    digest: str
    is_result: bool


def named_files(connection: sa.Connection) -> Iterator[NamedFile]:
    """Each file once; in little memory, however many there are."""
    listed = sa.union_all(*_rows_of_all(connection))
    ordered = sa.select(listed.subquery()).order_by(sa.text("spool_name"))
    last = ""
    with connection.execute(ordered, execution_options={"stream_results": True}) as rows:
        for row in rows:
            if row.spool_name != last:
                last = row.spool_name
                yield NamedFile(row.spool_name, row.bytes, row.digest, bool(row.is_result))


def still_named(connection: sa.Connection, names: Collection[str]) -> set[str]:
    """Those of `names` that a row stands on."""
    found: set[str] = set()
    for one in _rows_of_all(connection):
        rows = one.subquery()
        found.update(connection.execute(sa.select(rows.c.spool_name).where(rows.c.spool_name.in_(names))).scalars())
    return found


def names_beginning(connection: sa.Connection, prefix: str) -> set[str]:
    """Every name with that beginning that a row stands on."""
    found: set[str] = set()
    for one in _rows_of_all(connection):
        rows = one.subquery()
        mine = sa.and_(rows.c.spool_name >= prefix, rows.c.spool_name < f"{prefix}~")
        found.update(connection.execute(sa.select(rows.c.spool_name).where(mine)).scalars())
    return found


def _rows_of_all(connection: sa.Connection) -> list[sa.Select[tuple[str, int, str, int]]]:
    inspector = sa.inspect(connection)
    there = inspector.get_table_names()
    return [_rows(table, inspector) for table in _TABLES if table in there]


def _rows(table: str, inspector: sa.Inspector) -> sa.Select[tuple[str, int, str, int]]:
    """Without those whose file was removed: in shapes that have it, their row stays and says so."""
    digest = _TABLES[table]
    rows = sa.table(table, *(sa.column(name) for name in ("spool_name", "bytes", digest, "removed_at")))
    is_result = sa.literal_column("1" if digest == "sha256" else "0", sa.Integer).label("is_result")
    named = sa.select(rows.c.spool_name, rows.c.bytes, rows.c[digest].label("digest"), is_result)
    marks_removed = any(column["name"] == "removed_at" for column in inspector.get_columns(table))
    return named.where(rows.c.removed_at.is_(None)) if marks_removed else named
