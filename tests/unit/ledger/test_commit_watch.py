"""A ledger that takes no commits is known as such within seconds, and again when it does."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from scp_node.ledger import Ledger, commit_watch
from scp_node.ledger.commit_watch import CommitWatch
from tests.support.ledger.foreign_lock import shared_lock
from tests.support.waiting import until


def database(ledger: Ledger) -> Path:
    assert ledger.engine.url.database is not None
    return Path(ledger.engine.url.database)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_lock_that_somebody_else_holds_is_an_obstacle_within_seconds(ledger: Ledger) -> None:
    watch = CommitWatch(ledger)
    watch.look()
    assert watch.obstacles() == []
    with ledger.reading() as tx:  # the index of the write-ahead log is there as long as somebody reads
        tx.jobs.count_live()
        with shared_lock(Path(f"{database(ledger)}-shm")):
            begun = time.monotonic()
            watch.look()
            assert time.monotonic() - begun < 4
            assert watch.obstacles() == ["cannot commit: another process holds a lock on the database"]
        watch.look()
    assert watch.obstacles() == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_commit_that_failed_is_an_obstacle_until_one_succeeds(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock can be had on a full disk, so that only a commit proves that commits are possible again."""
    watch = CommitWatch(ledger)
    with pytest.raises(OperationalError), ledger.transaction():
        raise OperationalError("COMMIT", {}, Exception("database or disk is full"))
    assert ledger.commit_fault
    with monkeypatch.context() as patch:
        patch.setattr(ledger, "try_commit", full)
        watch.look()
        assert watch.obstacles() == ["cannot commit: OperationalError: database or disk is full"]
    with ledger.engine.connect() as connection:
        before = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    size = Path(f"{database(ledger)}-wal").stat().st_size
    watch.look()
    assert watch.obstacles() == [] and not ledger.commit_fault
    assert Path(f"{database(ledger)}-wal").stat().st_size > size, "it was written, not only begun"
    with ledger.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA user_version").scalar_one() == before


def full(*_: object, write: bool, **__: object) -> None:
    assert write
    raise OperationalError("COMMIT", {}, Exception("database or disk is full"))


def test_nothing_is_tried_while_commits_succeed(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    with ledger.transaction():
        pass
    monkeypatch.setattr(ledger, "try_commit", lambda *_, **__: pytest.fail("a commit has just succeeded"))
    CommitWatch(ledger).look()


def test_a_refusal_of_ours_is_no_fault_of_the_database(ledger: Ledger) -> None:
    with pytest.raises(KeyError), ledger.transaction():
        raise KeyError
    assert not ledger.commit_fault


def test_a_database_that_hangs_is_an_obstacle_too(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit_watch, "SILENT_MAX_S", 0.2)
    monkeypatch.setattr(ledger, "try_commit", lambda *_, **__: time.sleep(1))
    watch = CommitWatch(ledger)
    watch.start()
    until(lambda: any("has not answered" in one for one in watch.obstacles()), timeout_s=10)
    watch.stop()


def test_the_watch_ends_when_it_is_told(ledger: Ledger) -> None:
    watch: Any = CommitWatch(ledger)
    watch.start()
    watch.stop()
    assert not watch._thread.is_alive()


def test_a_reader_keeps_nobody_from_committing(ledger: Ledger) -> None:
    with ledger.engine.connect() as reader:
        reader.execute(sa.text("SELECT 1"))
        watch = CommitWatch(ledger)
        watch.look()
        assert watch.obstacles() == []
