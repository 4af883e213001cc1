"""Marked files go, whoever dies meanwhile and at which point; what comes again meanwhile stays."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from scp_node.engine.jobs import JobQueue
from scp_node.intake.received_instances import ReceivedInstances
from scp_node.retention.files import FILES_AT_ONCE, unlink_marked
from tests.support.ledger.databases import ledger_url
from tests.support.ledger.done_studies import finished_study
from tests.support.ledger.ledgers import received
from tests.unit.retention.conftest import DAY, NOW, Kept

POINTS = ("before the mark", "marked", "some unlinked", "unlinked", "on the disk")


@pytest.mark.parametrize("point", POINTS)
def test_a_process_that_dies_at_any_point_leaves_nothing_wrong(kept: Kept, point: str) -> None:
    with kept.ledger.transaction() as tx:
        uid = finished_study(tx, kept.spool, 1, NOW - 40 * DAY)
    folder = kept.spool.root.parent
    command = [sys.executable, "-m", "tests.support.crash.dying_sweep", str(folder), point, ledger_url(folder)]
    assert subprocess.run(command, check=False, timeout=120).returncode == 9
    with kept.ledger.reading() as tx:
        for image in tx.instances.of_study(uid):
            assert image.removed_at is not None or kept.spool.holds(image.spool_name), (
                "no row claims bytes that are gone"
            )
    kept.sweep(images_days=30).sweep()
    with kept.ledger.reading() as tx:
        assert all(image.removed_at is not None for image in tx.instances.of_study(uid))
        assert tx.removals.count_waiting() == 0
    assert kept.files() == 1, "the result"


def test_bytes_that_come_again_before_their_file_was_unlinked_stay(kept: Kept) -> None:
    with kept.ledger.transaction() as tx:
        uid = finished_study(tx, kept.spool, 1, NOW)
        tx.removals.mark_images(uid, "age", NOW)
    record = replace(received(1, 1), bytes=100)
    door = ReceivedInstances(kept.ledger, JobQueue(), is_there=kept.spool.holds)
    assert door.outcome_if_known(record) == "removed"
    assert door.enter([record]) == ["removed"]
    unlink_marked(kept.ledger, kept.spool, kept.previews)
    assert kept.spool.holds(record.spool_name) and kept.files() == 2
    with kept.ledger.reading() as tx:
        first, second = (tx.instances.get(f"{uid}.{place}") for place in (1, 2))
        assert first.removed_at is None and first.state == "reported", "what was found in it stands"
        assert first.received_at == record.received_at, "and its days begin anew"
        assert second.removed_at is not None
        assert tx.jobs.pending("images", 10) == []


def test_nothing_is_entered_for_a_file_that_was_unlinked_just_now(kept: Kept) -> None:
    """Its sender is told to try again."""
    door = ReceivedInstances(kept.ledger, JobQueue(), is_there=kept.spool.holds)
    assert door.enter([received(1, 1)]) == ["gone"]
    with kept.ledger.reading() as tx:
        assert tx.studies.matching("1.2.3.1") == []


def test_what_cannot_be_unlinked_stays_marked_and_is_told(kept: Kept, caplog: pytest.LogCaptureFixture) -> None:
    with kept.ledger.transaction() as tx:
        uid = finished_study(tx, kept.spool, 1, NOW)
        names = [image.spool_name for image in tx.instances.of_study(uid)]
        tx.removals.mark_images(uid, "age", NOW)
    path = kept.spool.path(names[0])
    path.unlink()
    path.mkdir()  # stands for whatever a disk has against it
    assert unlink_marked(kept.ledger, kept.spool, kept.previews) == 1
    assert "files cannot be removed" in caplog.text
    path.rmdir()
    assert unlink_marked(kept.ledger, kept.spool, kept.previews) == 1
    with kept.ledger.reading() as tx:
        assert tx.removals.count_waiting() == 0


def test_many_that_cannot_be_unlinked_hold_up_nothing_behind_them(kept: Kept) -> None:
    count = 2 * FILES_AT_ONCE
    with kept.ledger.transaction() as tx:
        uids = [finished_study(tx, kept.spool, number, NOW) for number in range(1, count + 1)]
        for number, uid in enumerate(uids):
            tx.removals.mark_images(uid, "age", NOW + number * DAY)
        bad = [kept.spool.path(tx.instances.of_study(uid)[0].spool_name) for uid in uids[:-1]]
    for path in bad:
        path.unlink()
        path.mkdir()
    assert unlink_marked(kept.ledger, kept.spool, kept.previews) == 2 * count - len(bad)
    with kept.ledger.reading() as tx:
        assert tx.removals.count_waiting() == len(bad)
    for path in bad:
        path.rmdir()
    assert unlink_marked(kept.ledger, kept.spool, kept.previews) == len(bad)


def test_a_folder_that_somebody_took_away_holds_nobody_up(kept: Kept) -> None:
    with kept.ledger.transaction() as tx:
        uid = finished_study(tx, kept.spool, 1, NOW)
        name = tx.instances.of_study(uid)[0].spool_name
        tx.removals.mark_images(uid, "age", NOW)
    folder: Path = kept.spool.path(name).parent
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    assert unlink_marked(kept.ledger, kept.spool, kept.previews) == 2
