"""Connections to PostgreSQL: so many, and none that waits for ever.

The server ends a statement that takes too long and a wait for a lock. A server that hangs, or a network that has gone,
ends nothing: there each connection counts the time itself, and closes.
"""

from __future__ import annotations

from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import errors
from psycopg.abc import Buffer
from psycopg.types.string import StrDumperUnknown

from scp_node.ledger.tickets import OPTION
from scp_node.settings.postgresql import DatabaseLimits

# The server gives up first: what it says tells more, and the connection can be used again.
_SERVER_FIRST_S = 1.0


class TimedConnection(psycopg.Connection[Any]):
    """One that closes when an answer takes longer than `answer_timeout_s`; None waits for ever."""

    answer_timeout_s: float | None = None

    def wait(self, *args: Any, **kwargs: Any) -> Any:
        """Everything that a connection does with its server waits here."""
        if kwargs.get("timeout") is not None or len(args) > 2:
            return super().wait(*args, **kwargs)
        try:
            return super().wait(*args, **kwargs | {"timeout": self.answer_timeout_s})
        except errors._WaitTimeout as error:
            self.close()
            raise psycopg.OperationalError(f"no answer within {self.answer_timeout_s:g} s") from error


class HeldText(StrDumperUnknown):
    """Text as PostgreSQL can hold it: U+FFFD stands for NUL, the one character that it cannot. What peers say in
    answers and headers may have it anywhere."""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(obj.replace("\0", "\N{REPLACEMENT CHARACTER}"))


def open_postgresql(url: str, limits: DatabaseLimits, *, read_only: bool = False) -> sa.Engine:
    """An engine over at most `limits.connections`. Raises ModuleNotFoundError where the driver is missing."""
    engine = sa.create_engine(
        url,
        hide_parameters=True,
        execution_options={OPTION: limits.tickets},
        pool_pre_ping=True,
        pool_size=limits.connections,
        max_overflow=0,
        pool_timeout=limits.wait_s,
    )
    wanted = {
        "lock_timeout": f"{1000 * limits.lock_timeout_s:.0f}",
        "statement_timeout": f"{1000 * limits.statement_timeout_s:.0f}",
        "default_transaction_read_only": "on" if read_only else "off",
    }
    options = " ".join(f"-c {name}={value}" for name, value in wanted.items())

    @sa.event.listens_for(engine, "do_connect")
    def _connect(dialect: sa.Dialect, record: Any, args: list[Any], parameters: dict[str, Any]) -> TimedConnection:
        named: dict[str, Any] = {
            "application_name": "hilum",
            "connect_timeout": round(limits.connect_timeout_s),
        } | parameters
        named["options"] = f"{parameters.get('options', '')} {options}"
        connection = TimedConnection.connect(*args, **named)
        connection.adapters.register_dumper(str, HeldText)
        connection.answer_timeout_s = limits.statement_timeout_s + _SERVER_FIRST_S
        return connection

    return engine


def wait_for_ever(connection: sa.Connection) -> None:
    """For what takes long in a large database; the connection is to be closed after it, and not used again."""
    driver = connection.connection.dbapi_connection
    assert isinstance(driver, TimedConnection)
    driver.answer_timeout_s = None
    connection.exec_driver_sql("SET statement_timeout = 0")
    connection.exec_driver_sql("SET lock_timeout = 0")
