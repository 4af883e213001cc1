"""At this rate the disk is full in so many days."""

from __future__ import annotations

import math

from scp_node.host.disk_space import DiskLimits, DiskSpace
from scp_node.ledger.removal_records import MarkedFiles
from scp_node.retention.forecast import forecast
from scp_node.retention.watch import RetentionWatch
from scp_node.settings import Retention
from scp_node.telemetry import metrics
from tests.support.ledger.done_studies import finished_study
from tests.unit.retention.conftest import DAY, NOW, Kept


def test_what_came_in_the_last_week_says_when_the_disk_is_full(kept: Kept) -> None:
    with kept.ledger.transaction() as tx:
        for number in range(10):
            finished_study(tx, kept.spool, number, NOW - (number + 0.5) * DAY)  # 250 bytes each
        seen = forecast(tx, 2500, NOW)
    assert (seen.received_a_day, seen.removed_a_day, seen.full_in_days) == (250, 0, 10)


def test_where_as_much_goes_as_comes_it_is_never_full(kept: Kept) -> None:
    with kept.ledger.transaction() as tx:
        finished_study(tx, kept.spool, 1, NOW - 20 * DAY)
        finished_study(tx, kept.spool, 2, NOW - DAY)
        tx.removals.count_day(NOW.date(), "age", MarkedFiles(3, 250))
        assert forecast(tx, 1, NOW).full_in_days == math.inf


def test_a_young_node_is_judged_by_its_own_days(kept: Kept) -> None:
    with kept.ledger.transaction() as tx:
        assert forecast(tx, 100, NOW).full_in_days == math.inf
        finished_study(tx, kept.spool, 1, NOW - 2 * DAY)
        assert forecast(tx, 250, NOW).full_in_days == 2


def test_the_room_is_what_the_first_limit_leaves(kept_on_small_disk: Kept) -> None:
    with kept_on_small_disk.ledger.transaction() as tx:
        finished_study(tx, kept_on_small_disk.spool, 1, NOW)
    seen = kept_on_small_disk.spool.room.fullness()
    assert (seen.room_bytes, seen.share) == (750, max(seen.share, 0.25))
    full = DiskSpace(kept_on_small_disk.spool.root, DiskLimits(free_bytes_min=2**62)).fullness()
    assert full.share == 1 and full.room_bytes < 0


def test_the_metrics_say_it(kept: Kept) -> None:
    settings = Retention(makes_room=False)
    RetentionWatch(kept.ledger, kept.spool, kept.sweep(), lambda: settings).look()
    assert metrics.disk_full_in_days._value.get() == math.inf
    assert metrics.oldest_image_days._value.get() == 0
