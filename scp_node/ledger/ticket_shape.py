"""Brings procrastinate's own tables up to date, in the transaction that does it for those of the ledger.

procrastinate keeps no note of the shape of its tables: it is a comment on one of them here, the name of the newest of
its migrations that was applied.
"""

from __future__ import annotations

from pathlib import Path

import psycopg
import sqlalchemy as sa
from procrastinate.schema import SchemaManager

from scp_node.errors import ConfigurationError

_SHAPE = sa.text("SELECT to_regclass('procrastinate_jobs'), obj_description(to_regclass('procrastinate_jobs'))")


def make_ticket_tables(connection: sa.Connection) -> None:
    """Safe to call at every start, under the lock that migrations hold. Raises ConfigurationError where a newer
    procrastinate has used the tables, or one that nobody knows."""
    steps = sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    newest = steps[-1].stem
    there, shape = connection.execute(_SHAPE).one()
    if shape == newest:
        return
    driver = connection.connection.dbapi_connection
    assert isinstance(driver, psycopg.Connection)
    if there is None:
        driver.execute(SchemaManager.get_schema())
    elif shape not in {step.stem for step in steps}:
        raise ConfigurationError(
            f"the tables of procrastinate have shape {shape or 'unknown'}, this release knows {newest}\n"
            "    Run the release that was here before, or give the ledger a schema of its own."
        )
    else:
        for step in steps:
            if step.stem > shape:
                driver.execute(step.read_bytes())
    connection.exec_driver_sql(f"COMMENT ON TABLE procrastinate_jobs IS '{newest}'")
