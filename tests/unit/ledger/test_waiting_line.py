"""Who waits for the ledger is seen by others, and comes first."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from scp_node.ledger import Ledger
from scp_node.ledger.database import migrate, open_database
from scp_node.ledger.waiting_line import WaitingLine
from scp_node.settings.places import default_url

NOW = datetime(2024, 5, 1, tzinfo=UTC)


def test_others_see_who_waits(tmp_path: Path) -> None:
    mine, other = (WaitingLine(str(tmp_path / "ledger.db")) for _ in range(2))

    assert not other.is_anyone_waiting()
    with mine.waiting():
        assert other.is_anyone_waiting()
    assert not other.is_anyone_waiting()


def test_two_may_wait(tmp_path: Path) -> None:
    first, second, other = (WaitingLine(str(tmp_path / "ledger.db")) for _ in range(3))

    with first.waiting():
        with second.waiting():
            assert other.is_anyone_waiting()
        assert other.is_anyone_waiting()


@pytest.mark.parametrize("database", [None, "", ":memory:"])
def test_in_memory_nobody_waits(database: str | None) -> None:
    line = WaitingLine(database)

    with line.waiting():
        assert not line.is_anyone_waiting()


def test_a_writer_gets_between_the_transactions_of_one_that_gives_way(tmp_path: Path) -> None:
    """The busy one never pauses by itself; without giving way the other would be lucky to get in at all."""
    url = default_url(tmp_path)
    busy, other = (Ledger(open_database(url), gives_way=gives_way) for gives_way in (True, False))
    migrate(busy.engine)
    began, stopping = threading.Event(), threading.Event()
    while_waiting = 0

    def work() -> None:
        nonlocal while_waiting
        while not stopping.is_set():
            with busy.transaction() as tx:
                began.set()
                time.sleep(0.01)
                tx.events.add("1.2", "1.2.3", "step", "done")
            while_waiting += 1

    thread = threading.Thread(target=work)
    thread.start()
    try:
        counts = []
        for _ in range(10):
            began.clear()
            assert began.wait(5)
            before = while_waiting
            with other.transaction() as tx:
                tx.events.add("1.3", "1.3.3", "step", "done")
            counts.append(while_waiting - before)
    finally:
        stopping.set()
        thread.join()
        for ledger in (busy, other):
            ledger.engine.dispose()
    assert sorted(counts)[len(counts) // 2] <= 2, counts


def test_a_lock_that_nobody_lets_go_of_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scp_node.ledger.ledger.BUSY_TIMEOUT_MS", 50)
    url = default_url(tmp_path)
    holder, other = (Ledger(open_database(url)) for _ in range(2))
    migrate(holder.engine)
    try:
        with holder.transaction(), pytest.raises(TimeoutError, match="busy"), other.transaction():
            pass
        with other.transaction() as tx:
            assert tx.connection.execute(sa.text("select count(*) from hilum_job")).scalar_one() == 0
    finally:
        for ledger in (holder, other):
            ledger.engine.dispose()
