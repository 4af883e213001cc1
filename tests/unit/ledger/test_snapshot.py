"""A snapshot is the ledger of one moment: whole, small, and made while others write."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import sqlalchemy as sa

from scp_node.errors import LedgerDamaged
from scp_node.ledger import Ledger
from scp_node.ledger import tables as t
from scp_node.ledger.database import migrate, open_database
from scp_node.ledger.snapshot import check_integrity, opened_snapshot, take_snapshot
from scp_node.ledger.spool_names import named_files, still_named
from scp_node.settings.places import default_url
from tests.support.ledger.ledgers import new_ledger, received
from tests.unit.ledger.test_upgrade import REVISIONS, upgrade_to


def enter(ledger: Ledger, *numbers: int) -> None:
    with ledger.transaction() as tx:
        for number in numbers:
            tx.instances.add(received(number))


def test_a_writer_does_not_wait_and_a_transaction_that_is_open_is_not_in_it(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    enter(ledger, 1)
    with ledger.transaction() as tx:
        tx.instances.add(received(2))
        take_snapshot(ledger.engine, tmp_path / "copy.db")
    check_integrity(tmp_path / "copy.db")
    with opened_snapshot(tmp_path / "copy.db") as connection:
        assert [one.name for one in named_files(connection)] == [received(1).spool_name]
        both = {received(1).spool_name, received(2).spool_name}
        assert still_named(connection, both) == {received(1).spool_name}
    assert sorted(path.name for path in tmp_path.glob("copy*")) == ["copy.db"]
    ledger.engine.dispose()


def test_it_does_not_hold_what_was_deleted(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    enter(ledger, *range(1, 200))
    with ledger.transaction() as tx:
        for table in (t.event, t.instance, t.study):
            tx.connection.execute(sa.delete(table))
    take_snapshot(ledger.engine, tmp_path / "copy.db")
    assert b"1.2.3.1" not in (tmp_path / "copy.db").read_bytes()
    assert b"1.2.3.1" in (tmp_path / "ledger.db").read_bytes() + (tmp_path / "ledger.db-wal").read_bytes()
    ledger.engine.dispose()


@pytest.mark.parametrize("revision", REVISIONS)
def test_the_files_of_a_ledger_in_an_older_shape_are_listed(tmp_path: Path, revision: str) -> None:
    engine = open_database(default_url(tmp_path))
    upgrade_to(engine, revision)
    with engine.connect() as connection:
        assert list(named_files(connection)) == []
        assert still_named(connection, ["00" * 32]) == set()
    engine.dispose()


def test_a_damaged_ledger_is_no_snapshot(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    enter(ledger, *range(1, 500))
    take_snapshot(ledger.engine, tmp_path / "copy.db")
    ledger.engine.dispose()
    copy = tmp_path / "copy.db"
    content = bytearray(copy.read_bytes())
    content[4096:40960] = os.urandom(36864)
    copy.write_bytes(content)
    with pytest.raises(LedgerDamaged, match=r"copy\.db: the ledger is damaged"):
        check_integrity(copy)
    broken = open_database(f"sqlite:///{copy}")
    with pytest.raises(LedgerDamaged):
        take_snapshot(broken, tmp_path / "second.db")
    broken.dispose()


def test_a_file_that_cannot_be_written_is_an_error_of_the_disk(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    with pytest.raises(OSError, match="nowhere"):
        take_snapshot(ledger.engine, tmp_path / "nowhere" / "copy.db")
    ledger.engine.dispose()


@pytest.mark.parametrize("content", [b"no database at all" * 1000, b"SQLite format 3\0" + bytes(range(256)) * 64])
def test_a_start_on_a_damaged_ledger_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ledger.db").write_bytes(content)
    engine = open_database(default_url(tmp_path))
    with pytest.raises(LedgerDamaged, match=r"ledger\.db: the ledger is damaged") as refused:
        migrate(engine)
    assert "hilum rebuild" in refused.value.further_lines[0]
    with pytest.raises(LedgerDamaged):
        take_snapshot(engine, tmp_path / "copy.db")
    engine.dispose()
