"""A sweep: what goes, in which order, how much at one time, and what is told of it."""

from __future__ import annotations

import logging
import os

import pytest

from scp_node.ledger import tables as t
from scp_node.retention import candidates, sweep
from scp_node.storage.previews import PreviewStore
from tests.support.ledger.done_studies import MadeDelivery, MadeImage, MadeJob, finished_study, make_study
from tests.support.ledger.ledgers import received
from tests.unit.retention.conftest import DAY, NOW, Kept


def test_images_go_before_results_and_rows_last(kept: Kept) -> None:
    with kept.ledger.transaction() as tx:
        uid = finished_study(tx, kept.spool, 1, NOW)
    one = kept.sweep(images_days=10, results_days=20, studies_days=30)
    left = []
    for day in (9, 11, 21, 31):
        kept.now = NOW + day * DAY
        one.sweep()
        with kept.ledger.reading() as tx:
            left.append((kept.files(), len(tx.studies.matching(uid))))
    assert left == [(3, 1), (1, 1), (0, 1), (0, 0)]


def test_null_keeps_everything(kept: Kept) -> None:
    with kept.ledger.transaction() as tx:
        finished_study(tx, kept.spool, 1, NOW)
    kept.now = NOW + 30_000 * DAY
    kept.sweep(images_days=None, results_days=None, studies_days=None).sweep()
    assert kept.files() == 3


def test_what_went_and_why_is_told_of_the_study_and_counted(kept: Kept, caplog: pytest.LogCaptureFixture) -> None:
    with kept.ledger.transaction() as tx:
        uid = finished_study(tx, kept.spool, 1, NOW - 31 * DAY)
    with caplog.at_level(logging.INFO):
        assert kept.sweep(images_days=30).sweep() == 2
        assert kept.sweep(images_days=30).sweep() == 0
    assert [record.message for record in caplog.records].count("removed by retention") == 1, "nothing, and no line"
    with kept.ledger.reading() as tx:
        assert [one.outcome for one in tx.events.of_study(uid) if one.step == "retention"] == [
            "2 files of images removed: its days were over"
        ]
        (day,) = tx.removals.days_since(NOW.date())
        assert (day.reason, day.files, day.bytes) == ("age", 2, 200)
        assert {(one.removed_at, one.removed_because) for one in tx.instances.of_study(uid)} == {(NOW, "age")}


def test_no_more_goes_at_one_time_than_the_settings_say(kept: Kept) -> None:
    with kept.ledger.transaction() as tx:
        for number in range(60):
            finished_study(tx, kept.spool, number, NOW - 40 * DAY)
    one = kept.sweep(images_days=30, results_days=None, studies_days=None, files_per_sweep_max=20)
    assert [one.sweep() for _ in range(7)] == [20] * 6 + [0]


def test_the_oldest_go_first_when_the_disk_is_nearly_full(kept_on_small_disk: Kept) -> None:
    kept = kept_on_small_disk
    with kept.ledger.transaction() as tx:
        for number in range(5):  # 250 bytes each
            finished_study(tx, kept.spool, number, NOW - (5 - number) * DAY)
        make_study(tx, kept.spool, 9, [MadeImage(NOW - 9 * DAY, "received")])
    kept.sweep(makes_room=True).sweep()
    with kept.ledger.reading() as tx:
        gone = [bool(tx.instances.of_study(f"1.2.3.{number}")[0].removed_at) for number in (0, 1, 2, 3, 4, 9)]
        assert tx.instances.of_study("1.2.3.0")[0].removed_because == "disk"
    assert gone == [True, True, True, True, True, False], "ten studies are one commit"


def test_results_go_when_no_image_is_left_to_go(kept_on_small_disk: Kept) -> None:
    kept = kept_on_small_disk
    with kept.ledger.transaction() as tx:
        finished_study(tx, kept.spool, 1, NOW, image_bytes=10, result_bytes=600)
        make_study(tx, kept.spool, 2, [MadeImage(NOW, "received")], image_bytes=500)
    kept.sweep(makes_room=True).sweep()
    with kept.ledger.reading() as tx:
        (report,) = tx.reports.of_study("1.2.3.1")
        (result,) = tx.results.of_report(report.id)
        assert result.removed_because == "disk"
        assert tx.instances.of_study("1.2.3.2")[0].removed_at is None
    assert kept.files() == 1


def test_with_room_nothing_goes_early(kept_on_small_disk: Kept) -> None:
    kept = kept_on_small_disk
    with kept.ledger.transaction() as tx:
        finished_study(tx, kept.spool, 1, NOW)
    assert kept.sweep(makes_room=True).sweep() == 0


def test_many_old_studies_that_are_not_done_do_not_hide_those_that_are(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "LOOKED_AT_ONCE", 5)
    monkeypatch.setattr(sweep, "LOOKED_AT_ONCE", 5)
    monkeypatch.setattr(sweep, "LOOKED_AT_MAX", 10)
    with kept.ledger.transaction() as tx:
        for number in range(25):
            make_study(
                tx, kept.spool, number, [MadeImage(NOW - 50 * DAY)], [MadeJob(NOW - 50 * DAY, "delivery", "waiting")]
            )
        finished_study(tx, kept.spool, 99, NOW - 40 * DAY)
    one = kept.sweep(images_days=30, results_days=None, studies_days=None)
    assert sum(one.sweep() for _ in range(4)) == 2


def test_a_new_image_makes_a_study_kept_again(kept: Kept) -> None:
    with kept.ledger.transaction() as tx:
        uid = finished_study(tx, kept.spool, 1, NOW - 40 * DAY)
    kept.sweep(images_days=30).sweep()
    with kept.ledger.transaction() as tx:
        record = received(3, 1)
        kept.spool.put(record.spool_name, b"new")
        tx.instances.add(record)
        marks = tx.connection.execute(t.study.select()).one()
    assert marks.images_removed_at is None and uid == record.study_instance_uid
    kept.sweep(images_days=1).sweep()
    assert kept.spool.holds(record.spool_name)


def test_previews_that_nobody_asked_for_go_by_their_own_days(kept: Kept) -> None:
    folder = kept.spool.root.parent / "previews"
    PreviewStore(folder)
    for name, age in (("old", 2 * DAY), ("new", 0 * DAY)):
        (folder / name).touch()
        moment = (NOW - age).timestamp()
        os.utime(folder / name, (moment, moment))
    kept.sweep(previews_days=1).sweep()
    assert [path.name for path in folder.iterdir()] == ["new"]


def test_a_dead_letter_holds_its_study_until_its_own_days_are_over(kept: Kept) -> None:
    at = NOW - 100 * DAY
    with kept.ledger.transaction() as tx:
        jobs = [MadeJob(at), MadeJob(at, "study"), MadeJob(at, "delivery", "dead")]
        make_study(tx, kept.spool, 1, [MadeImage(at)], jobs, [MadeDelivery(at, "dead")])
    left = []
    for days in (None, 150, 99):
        kept.sweep(images_days=30, results_days=30, dead_letters_days=days).sweep()
        left.append(kept.files())
    assert left == [2, 2, 0]
