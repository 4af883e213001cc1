"""Instances that come at the same time share a commit, and no one of them spoils it for the others."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from scp_node.engine.jobs import JobQueue
from scp_node.errors import OutOfResources
from scp_node.intake.group_commit import COMMIT_INSTANCES_MAX, GroupCommit
from scp_node.intake.received_instances import ReceivedInstances
from scp_node.ledger import AddOutcome, Ledger, ReceivedInstance, Transaction
from scp_node.storage.spool import Spool
from tests.support.ledger.ledgers import new_ledger, received


class SlowLedger(Ledger):
    """A ledger whose first commit waits until it is told to go on, and that counts its transactions."""

    def __init__(self, engine: sa.Engine) -> None:
        super().__init__(engine)
        self.transactions = 0
        self.began, self.go_on = threading.Event(), threading.Event()
        self.refused = ""
        self.fsync_fails = self.is_silent = False
        self.refuses_changes = False

    @contextmanager
    def transaction(self, *studies: str) -> Iterator[Transaction]:
        self.transactions += 1
        with super().transaction(*studies) as tx:
            yield tx
            if not self.began.is_set():
                self.began.set()
                assert self.go_on.wait(20)
            elif self.is_silent:
                raise sa.exc.OperationalError("COMMIT", None, Exception("no answer"))
            elif self.fsync_fails:
                raise sa.exc.OperationalError("COMMIT", None, failed_fsync())


class ChoosyInstances(ReceivedInstances):
    """Instances of a SlowLedger, without the one that it refuses."""

    def __init__(self, ledger: SlowLedger) -> None:
        super().__init__(ledger, JobQueue(), lambda: ledger.refuses_changes)
        self._slow = ledger

    def _enter(self, tx: Transaction, record: ReceivedInstance) -> AddOutcome:
        if record.sop_instance_uid == self._slow.refused:
            raise RuntimeError("not this one")
        return super()._enter(tx, record)


def failed_fsync() -> sqlite3.Error:
    """As SQLite reports it; tests/crash/test_io_errors.py has the real one."""
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
    return error


@pytest.fixture
def ledger(database: str, tmp_path: Path) -> Iterator[SlowLedger]:
    one = SlowLedger(new_ledger(tmp_path).engine)
    yield one
    one.engine.dispose()


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def enter_together(ledger: SlowLedger, group_commit: GroupCommit, count: int) -> list[str]:
    """Enter one instance, and `count` others while it is being committed; what became of each."""

    def outcome(number: int) -> str:
        try:
            return group_commit.enter(received(number))
        except (RuntimeError, OutOfResources) as error:
            return str(error)
        except sa.exc.OperationalError as error:
            return str(error.orig)

    with ThreadPoolExecutor(count + 1) as threads:
        first = threads.submit(outcome, 0)
        assert ledger.began.wait(20)
        others = [threads.submit(outcome, number) for number in range(1, count + 1)]
        while len(group_commit._waiting) < count:
            pass
        ledger.go_on.set()
        return [first.result(20), *(other.result(20) for other in others)]


def test_those_that_wait_share_a_commit(ledger: SlowLedger, spool: Spool) -> None:
    commits: list[int] = []
    group_commit = GroupCommit(ChoosyInstances(ledger), spool, lambda: commits.append(1))
    assert enter_together(ledger, group_commit, 20) == ["added"] * 21
    assert ledger.transactions == len(commits) == 2
    with ledger.reading() as tx:
        assert tx.jobs.count() == {("image", "queued"): 21}


def test_a_commit_has_a_largest_size(ledger: SlowLedger, spool: Spool) -> None:
    group_commit = GroupCommit(ChoosyInstances(ledger), spool, lambda: None)
    assert enter_together(ledger, group_commit, COMMIT_INSTANCES_MAX + 1) == ["added"] * (COMMIT_INSTANCES_MAX + 2)
    assert ledger.transactions == 3


def test_one_that_the_database_does_not_take_is_told_and_the_others_are_entered(
    ledger: SlowLedger, spool: Spool
) -> None:
    ledger.refused = "1.2.3.1.3"
    group_commit = GroupCommit(ChoosyInstances(ledger), spool, lambda: None)
    outcomes = enter_together(ledger, group_commit, 5)
    assert outcomes == ["added", "added", "added", "not this one", "added", "added"]


def test_a_database_that_does_not_answer_is_asked_once_for_all_that_wait(ledger: SlowLedger, spool: Spool) -> None:
    """Else the last of many senders would be told after as many time-outs."""
    ledger.is_silent, waiting = True, COMMIT_INSTANCES_MAX + 5
    group_commit = GroupCommit(ChoosyInstances(ledger), spool, lambda: None)
    assert enter_together(ledger, group_commit, waiting) == ["added"] + waiting * ["no answer"]
    assert ledger.transactions == 2


def test_a_repeat_wakes_nobody(ledger: SlowLedger, spool: Spool) -> None:
    ledger.go_on.set()
    commits: list[int] = []
    group_commit = GroupCommit(ChoosyInstances(ledger), spool, lambda: commits.append(1))
    assert [group_commit.enter(received()), group_commit.enter(received())] == ["added", "identical"]
    ledger.refuses_changes = True
    assert group_commit.enter(received(digest="f" * 32)) == "conflict"
    assert len(commits) == 1


def test_after_a_failed_fsync_of_the_ledger_nothing_is_entered_again_or_anew(ledger: SlowLedger, spool: Spool) -> None:
    group_commit, ledger.fsync_fails = GroupCommit(ChoosyInstances(ledger), spool, lambda: None), True
    refused = "storage failed, restart needed: fsync of the ledger"
    assert enter_together(ledger, group_commit, 5) == ["added"] + 5 * [refused]
    assert ledger.transactions == 2, "the commit is not tried again"
    assert not spool.healthy
    ledger.fsync_fails = False
    with pytest.raises(OutOfResources, match=refused):
        group_commit.enter(received(9))
