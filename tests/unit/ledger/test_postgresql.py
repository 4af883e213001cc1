"""What only PostgreSQL has: it may hang, be far away, or be asked by many processes at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from scp_node.ledger import Ledger
from scp_node.ledger.database import is_unavailable, open_database, open_for_reading
from scp_node.settings.postgresql import DatabaseLimits, DatabaseUser, Postgresql
from tests.support.ledger.databases import Schemas, ledgers_in
from tests.support.ledger.ledgers import new_ledger
from tests.support.ledger.starts import start_at_once
from tests.support.peers.postgresql import Postgresql as Server
from tests.support.peers.postgresql import start_postgresql

SHORT = DatabaseLimits(connections=2, connect_timeout_s=2, lock_timeout_s=0.5, statement_timeout_s=1, wait_s=1)


@pytest.fixture
def schemas(postgresql: Server) -> Iterator[Schemas]:
    with ledgers_in(postgresql) as found:
        yield found


@pytest.fixture
def opened(schemas: Schemas) -> Iterator[sa.Engine]:
    engine = open_database(schemas.empty_schema(), SHORT)
    yield engine
    engine.dispose()


def test_three_nodes_that_start_at_once_make_the_tables_once(schemas: Schemas) -> None:
    url = schemas.empty_schema()
    assert start_at_once(url) == [(0, "")] * 3
    engine = open_for_reading(url)
    assert "hilum_instance" in sa.inspect(engine).get_table_names()
    engine.dispose()


def test_a_statement_that_takes_too_long_is_ended_by_the_server(opened: sa.Engine) -> None:
    with opened.connect() as connection:
        with pytest.raises(OperationalError, match="statement timeout"):
            connection.exec_driver_sql("SELECT pg_sleep(30)")
        connection.rollback()
        assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1, "the connection is still good"


def test_a_lock_that_nobody_lets_go_of_is_waited_for_so_long(opened: sa.Engine) -> None:
    ledger = Ledger(opened)
    with ledger.transaction("1.2.3"):
        began = time.monotonic()
        with pytest.raises(OperationalError, match="lock timeout") as caught, Ledger(opened).transaction("1.2.3"):
            pass
        assert 0.4 < time.monotonic() - began < 10
    assert is_unavailable(caught.value)


def test_what_a_peer_said_is_kept_whatever_characters_it_has(schemas: Schemas, tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    with ledger.transaction() as tx:
        tx.events.add("1.2", "1.2", "send", "refused: a\0b \u2028 \U0001f4a9")
        (told,) = tx.events.of_study("1.2")
        assert told.outcome == "refused: a\ufffdb \u2028 \U0001f4a9"
        assert tx.studies.matching("a\0b") == []
    ledger.engine.dispose()


def test_a_process_has_so_many_connections_and_no_more(opened: sa.Engine) -> None:
    with opened.connect(), opened.connect(), pytest.raises(PoolTimeout) as caught:
        opened.connect()
    assert is_unavailable(caught.value)


def test_all_processes_of_a_node_together_stay_within_a_third_of_what_postgresql_offers_by_default() -> None:
    asked = [Postgresql().limits(user).connections for user in get_args(DatabaseUser)]
    assert sum(asked) <= 33


def test_an_engine_for_reading_writes_nothing(schemas: Schemas) -> None:
    engine = open_for_reading(schemas.empty_schema())
    with engine.connect() as connection, pytest.raises(sa.exc.DBAPIError, match="read-only"):
        connection.exec_driver_sql("CREATE TABLE made (id int)")
    engine.dispose()


def test_a_database_that_hangs_is_given_up_in_seconds_and_used_again_when_it_answers() -> None:
    server = start_postgresql()
    try:
        engine = open_database(server.url(), SHORT)
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
            with server.asleep():
                assert 1 < seconds_until_refused(lambda: connection.exec_driver_sql("SELECT 1")) < 6
                assert seconds_until_refused(engine.connect) < 8
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1
        engine.dispose()
    finally:
        server.stop()


def seconds_until_refused(ask: Callable[[], object]) -> float:
    began = time.monotonic()
    with pytest.raises(OperationalError) as caught:
        ask()
    assert is_unavailable(caught.value)
    return time.monotonic() - began
