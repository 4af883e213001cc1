"""In which database the ledgers of a test are: an SQLite file in their folder, or a schema of PostgreSQL.

To make tables takes long: an SQLite file is a copy of one that has them, and a schema is emptied and used again.
"""

from __future__ import annotations

import functools
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from scp_node.ledger.database import migrate, open_database
from scp_node.ledger.shape import VERSION_TABLE
from scp_node.settings.places import default_url
from scp_node.settings.postgresql import DatabaseLimits
from tests.support.peers.postgresql import Postgresql

_schemas: dict[tuple[Postgresql, bool], Schemas] = {}
_in_use: Schemas | None = None


def ledger_url(folder: Path) -> str:
    """Where the ledger of a data folder is in this test."""
    return default_url(folder) if _in_use is None else _in_use.url_of(folder)


def ledger_limits() -> DatabaseLimits:
    """What its database is opened with."""
    return DatabaseLimits() if _in_use is None else _in_use.limits


def url_without_tables(folder: Path) -> str:
    """A database of this test that nothing has been made in."""
    return default_url(folder) if _in_use is None else _in_use.empty_schema()


def make_tables(folder: Path) -> None:
    """The ledger of the folder has the tables of this release afterwards, and what it had in them before."""
    file = folder / "ledger.db"
    if _in_use is not None:
        _in_use.url_of(folder)
    elif file.exists():
        engine = open_database(default_url(folder))
        migrate(engine)
        engine.dispose()
    else:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_empty_file())


@functools.cache
def _empty_file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        engine = open_database(default_url(Path(folder)))
        migrate(engine)
        engine.dispose()
        return (Path(folder) / "ledger.db").read_bytes()


@contextmanager
def ledgers_in(server: Postgresql, *, tickets: bool = False) -> Iterator[Schemas]:
    """Until the end of the block ledgers are in PostgreSQL; with `tickets`, procrastinate dispatches their jobs."""
    global _in_use
    _in_use = _schemas.setdefault((server, tickets), Schemas(server, tickets))
    try:
        yield _in_use
    finally:
        _in_use.give_back()
        _in_use = None


class Schemas:
    """The schemas of this test process; each data folder of a test has one."""

    def __init__(self, server: Postgresql, tickets: bool = False) -> None:
        self._server, self.limits = server, DatabaseLimits(tickets=tickets)
        self._engine = sa.create_engine(server.url(), poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        self._free: list[str] = []
        self._of_folder: dict[Path, str] = {}

    def url_of(self, folder: Path) -> str:
        schema = self._of_folder.get(folder.resolve())
        if schema is None:
            schema = self._free.pop() if self._free else self._made()
            self._of_folder[folder.resolve()] = schema
        return self._server.url(schema)

    def empty_schema(self) -> str:
        """The URL of a schema without tables, of this test only."""
        name = f"test_{secrets.token_hex(8)}"
        with self._engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {name}")
        return self._server.url(name)

    def give_back(self) -> None:
        """The test is over: its connections are ended, and its rows go."""
        used, self._of_folder = list(self._of_folder.values()), {}
        with self._engine.connect() as connection:
            for schema in used:
                connection.exec_driver_sql(_END_CONNECTIONS, {"schema": schema})
                connection.exec_driver_sql(_EMPTY.replace("{schema}", schema).replace("%", "%%"))
        self._free += used

    def _made(self) -> str:
        url = sa.make_url(self.empty_schema())
        engine = open_database(url.render_as_string(hide_password=False), self.limits)
        migrate(engine)
        engine.dispose()
        return str(url.query["application_name"])


_END_CONNECTIONS = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = %(schema)s"
# Most tables of a test are empty, which a look tells; the keys that numbers are given by begin anew.
_EMPTY = f"""
DO $$
DECLARE one text;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR one IN SELECT tablename FROM pg_tables WHERE schemaname = '{{schema}}' AND tablename <> '{VERSION_TABLE}' LOOP
        EXECUTE format('DELETE FROM {{schema}}.%I', one);
    END LOOP;
    FOR one IN SELECT sequencename FROM pg_sequences WHERE schemaname = '{{schema}}' AND last_value IS NOT NULL LOOP
        EXECUTE format('ALTER SEQUENCE {{schema}}.%I RESTART', one);
    END LOOP;
END $$
"""
