"""INSERT that leaves a row alone which is already there, in the words of each database."""

from __future__ import annotations

from functools import cache

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def insert_once(connection: sa.Connection, table: sa.Table) -> sa.Insert:
    """A statement that enters a row unless its key is taken; `rowcount` of the result tells which: 1 or 0."""
    return _statement(connection.dialect.name, table)


@cache
def _statement(dialect: str, table: sa.Table) -> sa.Insert:
    insert = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    # without this, SQLAlchemy forgets how many rows an INSERT has entered
    return insert.on_conflict_do_nothing().execution_options(preserve_rowcount=True)
