"""The thread of the worker: it ends what an erasure had to leave, and a sweep that fails is not the last one."""

from __future__ import annotations

import logging

import pytest

from scp_node.ledger.removal_records import ErasureRow
from scp_node.retention.watch import RetentionWatch
from scp_node.settings import Retention
from tests.support.ledger.done_studies import finished_study
from tests.support.waiting import until
from tests.unit.retention.conftest import DAY, NOW, Kept

SOON = Retention(makes_room=False, sweep_s=0.05)


def test_an_erasure_that_could_not_end_is_ended(kept: Kept) -> None:
    with kept.ledger.transaction() as tx:
        tx.erasures.add(ErasureRow("an-id", NOW, "anna", "study", 1, 2, 3, 5, 500))
    RetentionWatch(kept.ledger, kept.spool, kept.sweep(), lambda: SOON).look()
    with kept.ledger.reading() as tx:
        (row,) = tx.erasures.all()
    assert row.finished_at is not None


def test_a_sweep_that_fails_is_told_and_followed_by_another(kept: Kept, caplog: pytest.LogCaptureFixture) -> None:
    with kept.ledger.transaction() as tx:
        finished_study(tx, kept.spool, 1, NOW - 40 * DAY)
        tx.connection.exec_driver_sql("ALTER TABLE hilum_removal RENAME TO hilum_gone")
    watch = RetentionWatch(kept.ledger, kept.spool, kept.sweep(images_days=30), lambda: SOON)
    with caplog.at_level(logging.ERROR):
        watch.start()
        until(lambda: "retention failed" in caplog.text, "the failure is told")
    with kept.ledger.transaction() as tx:
        tx.connection.exec_driver_sql("ALTER TABLE hilum_gone RENAME TO hilum_removal")
    until(lambda: kept.files() == 1, "the images went")
    watch.stop()
