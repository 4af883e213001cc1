"""Objects without a row go when they have been marked for long, and never while anybody may still take them up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from scp_node.engine.jobs import JobQueue
from scp_node.intake.received_instances import ReceivedInstances
from scp_node.ledger import Ledger
from scp_node.ledger.records import now_utc
from scp_node.retention.files import unlink_marked
from scp_node.retention.strays import OLD, WAIT, StraySweep
from scp_node.storage.blobs import Blobs
from scp_node.storage.previews import PreviewStore
from tests.support.ledger.ledgers import received
from tests.support.peers.moto import Moto, object_blobs

STRAY = "5a" * 32


@dataclass
class Site:
    """Two machines, one ledger, one store. `later` moves the clock of the sweep on."""

    ledger: Ledger
    blobs: Blobs
    other: Blobs
    previews: PreviewStore
    later: timedelta = field(default=OLD + timedelta(days=1))

    def now(self) -> datetime:
        return now_utc() + self.later

    def sweep(self) -> int:
        """Every shard once, and what was found is unlinked; returns how many objects were due."""
        strays = StraySweep(self.ledger, self.blobs, self.now)
        due = sum(map(strays.sweep_shard, range(256)))
        unlink_marked(self.ledger, self.blobs, self.previews)
        return due

    def enter(self, number: int) -> str:
        """An instance that was received long before everything else in the store; its spool name."""
        record = replace(received(1, number), received_at=now_utc() - timedelta(days=100))
        self.blobs.put(record.spool_name, b"film")
        door = ReceivedInstances(self.ledger, JobQueue(), is_there=self.blobs.holds)
        assert door.enter([record]) == ["added"]
        return record.spool_name


@pytest.fixture
def site(ledger: Ledger, moto: Moto, tmp_path: Path) -> Iterator[Site]:
    one, other = (object_blobs(tmp_path / name, moto.port) for name in ("one", "other"))
    yield Site(ledger, one, other, PreviewStore(tmp_path / "previews"))


def test_an_object_without_a_row_goes_when_its_mark_is_old(site: Site) -> None:
    named = site.enter(1)
    site.blobs.put(STRAY, b"left by a sender that was told 0xA700")
    assert site.sweep() == 0
    assert site.blobs.holds(STRAY)
    site.later += WAIT / 2
    assert site.sweep() == 0
    site.later += WAIT
    assert site.sweep() == 1
    assert not site.blobs.holds(STRAY)
    assert site.blobs.holds(named)
    assert site.sweep() == 0


def test_a_young_object_is_left_alone(site: Site) -> None:
    site.enter(1)
    site.blobs.put(STRAY, b"its row is on its way")
    site.later = OLD / 2
    for _ in range(2):
        assert site.sweep() == 0
        site.later += timedelta(hours=1)
    with site.ledger.reading() as tx:
        assert tx.removals.strays("") == {}


def test_who_brings_the_same_bytes_again_keeps_a_marked_object(site: Site) -> None:
    site.enter(1)
    record = received(1, 2)
    site.blobs.put(record.spool_name, b"film")
    site.sweep()
    door = ReceivedInstances(site.ledger, JobQueue(), is_there=site.blobs.holds)
    assert door.enter([record]) == ["added"]
    site.later += 2 * WAIT
    assert site.sweep() == 0
    assert site.blobs.holds(record.spool_name)


def test_a_mark_that_came_after_its_row_was_looked_for_is_forgotten(site: Site) -> None:
    name = site.enter(1)
    with site.ledger.transaction() as tx:
        tx.removals.mark_strays([name], site.now())
    site.later += 2 * WAIT
    assert site.sweep() == 0
    assert site.blobs.holds(name)
    with site.ledger.reading() as tx:
        assert tx.removals.strays("") == {}


def test_nothing_goes_that_is_older_than_what_the_ledger_knows(site: Site) -> None:
    """A ledger that was lost and begun anew names nothing of what the store has."""
    site.blobs.put(STRAY, b"of the ledger before")
    for _ in range(2):
        assert site.sweep() == 0
        site.later += 2 * WAIT
    record = replace(received(1, 1), received_at=now_utc() + timedelta(minutes=1))
    site.blobs.put(record.spool_name, b"film")
    assert ReceivedInstances(site.ledger, JobQueue(), is_there=site.blobs.holds).enter([record]) == ["added"]
    for _ in range(2):
        assert site.sweep() == 0
        site.later += 2 * WAIT
    assert site.blobs.holds(STRAY)


def test_a_copy_goes_when_another_machine_has_removed_its_object(site: Site) -> None:
    kept, erased = site.enter(1), site.enter(2)
    assert [site.other.path(name).exists() for name in (kept, erased)] == [True, True]
    sweep = StraySweep(site.ledger, site.other, site.now)
    assert sweep.drop_copies() == 0
    with site.ledger.transaction() as tx:
        tx.removals.mark_images(received(1, 2).study_instance_uid, "erased", now_utc())
    unlink_marked(site.ledger, site.blobs, site.previews)
    assert not site.blobs.path(erased).exists()
    assert sweep.drop_copies() == 1
    assert list(site.other.copies()) == [kept]


def test_marks_of_strays_hold_up_no_erasure(site: Site) -> None:
    site.enter(1)
    site.blobs.put(STRAY, b"left")
    site.sweep()
    with site.ledger.reading() as tx:
        assert list(tx.removals.strays("5a")) == [STRAY]
        assert tx.removals.count_waiting() == 0
