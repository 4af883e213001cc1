"""A ledger that moves to another database is the same there, can move back, and is never in two places."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from scp_node.errors import ConfigurationError, HilumError, UsageError
from scp_node.host.lock_file import exclusive
from scp_node.ledger import Ledger
from scp_node.ledger.database import open_database
from scp_node.ledger.hosts import Hosts
from scp_node.recovery import moved_ledger
from scp_node.recovery.moved_ledger import METADATA, move_ledger
from scp_node.settings import Settings
from scp_node.settings.places import in_use_lock
from scp_node.storage.spool import Spool
from tests.support.ledger.databases import Schemas
from tests.support.ledger.done_studies import finished_studies
from tests.support.ledger.node_data import NodeFolder, films, node_folder
from tests.support.peers.postgresql import Postgresql

LONG_AGO = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[NodeFolder]:
    """A node that has received, reported and delivered, and is stopped."""
    opened = node_folder(tmp_path / "node", free_bytes_min=1)
    opened.receive(*films(2))
    with opened.ledger.transaction() as tx:
        finished_studies(tx, Spool(opened.data_dir / "spool"), range(100, 120), LONG_AGO, 10, 10)
        tx.events.add("1.2.3.100", "100", "received", "sent again: Ŝtudo Ünï 日本")
    opened.ledger.engine.dispose()
    yield opened


@pytest.fixture
def empty(postgresql: Postgresql) -> str:
    return Schemas(postgresql).empty_schema()


def rows_of(url: str) -> dict[str, list[str]]:
    """Every row of every table of the database, whatever this release calls them."""
    engine = open_database(url)
    (metadata,) = METADATA
    names = {name for name in sa.inspect(engine).get_table_names() if "alembic" not in name}
    assert names == set(metadata.tables), "a table that no copy knows"
    with engine.connect() as connection:
        found = {name: sorted(map(repr, connection.execute(sa.select(metadata.tables[name])))) for name in names}
    engine.dispose()
    return found


def test_every_row_of_every_table_moves_and_comes_back(node: NodeFolder, empty: str, tmp_path: Path) -> None:
    file = node.data_dir / "ledger.db"
    before = rows_of(f"sqlite:///{file}")
    assert sum(map(len, before.values())) > 200 and before["hilum_job"] and before["hilum_delivery"]
    moved = move_ledger(node.settings, empty)
    assert rows_of(empty) == before
    assert moved.tables == {name: len(rows) for name, rows in before.items()} and not moved.was_there
    assert not file.exists() and moved.kept_aside is not None and moved.kept_aside.exists()
    back = f"sqlite:///{tmp_path / 'back.db'}"
    again = move_ledger(in_database(node.settings, empty), back)
    assert rows_of(back) == before and again.kept_aside is None


def test_the_ledger_goes_on_where_it_stopped(node: NodeFolder, empty: str) -> None:
    """The next event has the next number, not one that is taken."""
    move_ledger(node.settings, empty)
    ledger = Ledger(open_database(empty))
    with ledger.transaction() as tx:
        tx.events.add("1.2.3.100", "100", "received", "after the move")
    with ledger.reading() as tx:
        numbers = tx.connection.execute(sa.text("SELECT id FROM hilum_event")).scalars().all()
    ledger.engine.dispose()
    assert len(set(numbers)) == len(numbers)


def test_a_move_that_was_interrupted_before_the_old_file_was_set_aside_is_ended(
    node: NodeFolder, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(moved_ledger, "_set_aside", lambda *_: (_ for _ in ()).throw(OSError("the machine stopped")))
        with pytest.raises(OSError, match="stopped"):
            move_ledger(node.settings, empty)
    moved = move_ledger(node.settings, empty)
    assert moved.was_there and moved.kept_aside is not None


def test_a_row_that_the_database_refuses_undoes_all_of_it(node: NodeFolder, empty: str) -> None:
    """SQLite keeps text of any length; PostgreSQL does not."""
    with node.ledger.transaction() as tx:
        tx.connection.exec_driver_sql("UPDATE hilum_study SET accession_number = ?", ("A" * 65,))
    node.ledger.engine.dispose()
    with pytest.raises(HilumError, match="too long"):
        move_ledger(node.settings, empty)
    assert (node.data_dir / "ledger.db").exists()
    assert not any(rows_of(empty).values())


def test_nothing_moves_onto_another_ledger_or_onto_itself(node: NodeFolder, empty: str, tmp_path: Path) -> None:
    other = node_folder(tmp_path / "other", free_bytes_min=1)
    other.receive(*films(1, study=9))
    other.ledger.engine.dispose()
    move_ledger(other.settings, empty)
    with pytest.raises(UsageError, match="holds another ledger already"):
        move_ledger(node.settings, empty)
    with pytest.raises(UsageError, match="the database that the ledger is in"):
        move_ledger(node.settings, f"sqlite:///{node.data_dir / 'ledger.db'}")
    assert (node.data_dir / "ledger.db").exists()


def test_a_node_that_runs_keeps_its_ledger(node: NodeFolder, empty: str) -> None:
    with exclusive(in_use_lock(node.data_dir), 0), pytest.raises(ConfigurationError, match="stop it first"):
        move_ledger(node.settings, empty)


def test_jobs_in_hand_on_another_machine_keep_the_ledger(node: NodeFolder, empty: str, tmp_path: Path) -> None:
    move_ledger(node.settings, empty)
    engine = open_database(empty)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE hilum_job SET state = 'running' WHERE job_id LIKE '0:%%'")
    engine.dispose()
    with pytest.raises(UsageError, match="jobs are being worked on"):
        move_ledger(in_database(node.settings, empty), f"sqlite:///{tmp_path / 'back.db'}")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql+psycopg://anna:secret@127.0.0.1:1/hilum", r"anna:\*\*\*@127.0.0.1:1"),
        ("nonsense", "no address of a database"),
        ("mysql://127.0.0.1/hilum", "no address of a database"),
        ("sqlite:///:memory:", "no address of a database"),
    ],
)
def test_an_address_that_leads_nowhere_is_told_without_its_password(url: str, told: str, node: NodeFolder) -> None:
    with pytest.raises(HilumError) as refused:
        move_ledger(node.settings, url)
    assert re.search(told, str(refused.value)) and "secret" not in str(refused.value)
    assert (node.data_dir / "ledger.db").exists()


def test_a_node_that_runs_on_another_machine_keeps_the_ledger(node: NodeFolder, empty: str, tmp_path: Path) -> None:
    move_ledger(node.settings, empty)
    engine = open_database(empty)
    with engine.begin() as connection:
        Hosts(connection).enter("ward-1", "receiver", "ward", "0.1.0")
    with pytest.raises(UsageError, match="ward said within 60 s that it runs"):
        move_ledger(in_database(node.settings, empty), f"sqlite:///{tmp_path / 'back.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE hilum_host SET signed_at = signed_at - interval '2 minutes'")
    engine.dispose()
    move_ledger(in_database(node.settings, empty), f"sqlite:///{tmp_path / 'back.db'}")


def in_database(settings: Settings, url: str) -> Settings:
    storage = settings.storage.model_copy(update={"database_url": url})
    return settings.model_copy(update={"storage": storage})


def test_a_writer_on_another_machine_is_waited_for_by_nobody(node: NodeFolder, empty: str, tmp_path: Path) -> None:
    """Rows that come while the ledger is read would be in neither place."""
    move_ledger(node.settings, empty)
    engine = open_database(empty)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE hilum_study SET accession_number = 'A'")
        with pytest.raises(HilumError, match="lock"):
            move_ledger(in_database(node.settings, empty), f"sqlite:///{tmp_path / 'back.db'}")
    engine.dispose()
