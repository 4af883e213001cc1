"""Milestones are counted once, in time order or not, cheaply, and under the words that the jobs enter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from scp_node.deliver.dimse.statuses import STORE_STATUSES
from scp_node.deliver.outcomes import FAULTS, Verdict
from scp_node.ledger import Ledger
from scp_node.ledger import tables as t
from scp_node.queries import tally as module
from scp_node.queries.milestones import milestone_of_event
from scp_node.queries.tally import EventTally

NOW = datetime.now(UTC)
CASES = {
    ("received", "430950 bytes from modality (MODALITY)"): "received",
    ("received", "version 2: 430950 bytes from modality (MODALITY)"): "received",
    ("choose_route", "route chest, model pneumonia@2.0.0"): None,
    ("choose_route", "declined: no-route: no route takes it"): "declined",
    ("check_eligibility", "declined: not-frontal: View Position is LL"): "declined",
    ("pass_gate", "declined: not-a-chest: gate"): "declined",
    ("convert", "failed: decode-crashed"): "quarantined",
    ("quarantined", "inference-failed"): "quarantined",
    ("judge", "pneumonia 0.0913 (negative, threshold 0.4737)"): "inferred",
    ("send", "archive (ORTHANC at 127.0.0.1:40123): stored [status 0x0000]"): "delivered",
    ("send", "archive (ORTHANC at 127.0.0.1:104): nothing listens on that port; is it running, are they right?"): None,
    (
        "fall_back",
        "as Comprehensive SR: archive (A at h:1): stored; it changed some attributes [status 0xB000]",
    ): "delivered",
    ("commitment", "archive has committed to keep it"): "committed",
    ("commitment", "archive was asked to confirm, request 1 of 5: asked"): None,
    ("build_report", "9458 bytes"): None,
}


@pytest.fixture
def ledger(empty_ledger: Ledger) -> Ledger:
    return empty_ledger


def enter(ledger: Ledger, *events: tuple[str, str], at: datetime = NOW) -> None:
    with ledger.transaction() as tx:
        for step, outcome in events:
            tx.events.add("1.2.3", "1.2.3.1", step, outcome, at=at)


def milestones(ledger: Ledger) -> list[str | None]:
    with ledger.reading() as tx:
        return list(tx.connection.execute(sa.select(milestone_of_event()).order_by(t.event.c.id)).scalars())


def test_each_event_is_the_milestone_that_its_words_say(ledger: Ledger) -> None:
    enter(ledger, *CASES)
    assert milestones(ledger) == list(CASES.values())


def test_every_answer_that_means_stored_is_a_delivery_and_no_other_one_is(ledger: Ledger) -> None:
    rows = [(first, row) for first, _, row in STORE_STATUSES] + [(0, row) for row in FAULTS.values()]
    enter(ledger, *(("send", f"archive (A at h:104): {row.meaning} [status 0x{status:04X}]") for status, row in rows))
    wanted = ["delivered" if row.verdict is Verdict.SENT else None for _, row in rows]
    assert milestones(ledger) == wanted


def test_counts_follow_what_is_added_and_days_before_are_apart(ledger: Ledger) -> None:
    received = ("received", "1 bytes from modality (MODALITY)")
    enter(ledger, received, received, at=NOW - timedelta(days=3))
    enter(ledger, received, at=NOW)
    tally = EventTally(ledger)
    assert tally.look() and tally.is_whole
    assert tally.since(NOW - timedelta(days=4)) == {"received": 3}
    assert tally.since(NOW - timedelta(days=1)) == {"received": 1}
    enter(ledger, received, ("judge", "pneumonia 0.9"))
    tally.look()
    assert tally.since(NOW - timedelta(days=1)) == {"received": 2, "inferred": 1}
    assert tally.by_hour("received", 24, datetime.now(UTC))[-1] in (2, 0)
    assert sum(tally.by_hour("received", 24, datetime.now(UTC))) == 2


def test_a_long_past_is_counted_in_batches_and_then_never_again(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH_EVENTS", 100)
    monkeypatch.setattr(module, "RECENT_MAX", 50)
    enter(ledger, *[("received", "1 bytes")] * 1_000, at=NOW - timedelta(days=30))
    enter(ledger, *[("received", "1 bytes")] * 500)
    tally = EventTally(ledger)
    looks = 1
    while not tally.look():
        looks += 1
    assert 5 <= looks <= 7  # the month before was passed over
    assert tally.since(NOW - timedelta(days=1)) == {"received": 500}


def test_an_event_that_becomes_visible_late_is_counted_once(ledger: Ledger) -> None:
    """As with PostgreSQL, where ids are given before the commit."""
    clock = [1_000.0]
    tally = EventTally(ledger, lambda: clock[0])
    enter(ledger, ("received", "1 bytes"))
    with ledger.transaction() as tx:
        values = {"at": NOW, "study_instance_uid": "1", "subject": "1", "step": "received", "outcome": "x"}
        tx.connection.execute(sa.insert(t.event).values(id=3, **values))
    tally.look()
    with ledger.transaction() as tx:
        tx.connection.execute(sa.insert(t.event).values(id=2, **values))
    for _ in range(5):
        clock[0] += 30
        tally.look()
        assert tally.since(NOW - timedelta(days=1)) == {"received": 3}


@pytest.mark.parametrize("looks_between", [True, False])
@pytest.mark.parametrize("came", [5, 10, 15])
def test_what_takes_the_numbers_of_what_was_erased_is_counted(ledger: Ledger, came: int, looks_between: bool) -> None:
    clock = [1_000.0]
    tally = EventTally(ledger, lambda: clock[0])
    enter(ledger, *[("received", "1 bytes")] * 110)
    enter(ledger, *[("received", "1 bytes")] * 10, at=NOW + timedelta(seconds=1))
    for _ in range(3):
        tally.look()
        clock[0] += 61
    with ledger.transaction() as tx:
        tx.connection.execute(sa.delete(t.event).where(t.event.c.id > 110))
    if looks_between:
        tally.look()
    enter(ledger, *[("received", "1 bytes")] * came, at=NOW + timedelta(seconds=2))
    for _ in range(3):
        tally.look()
        clock[0] += 30
        assert tally.since(NOW - timedelta(days=1)) == {"received": 120 + came}


@pytest.mark.parametrize("looks_between", [True, False])
def test_a_count_goes_on_after_all_was_erased(ledger: Ledger, looks_between: bool) -> None:
    clock = [1_000.0]
    tally = EventTally(ledger, lambda: clock[0])
    enter(ledger, *[("received", "1 bytes")] * 3)
    for _ in range(3):
        tally.look()
        clock[0] += 61
    with ledger.transaction() as tx:
        tx.connection.execute(sa.delete(t.event))
    if looks_between:
        tally.look()
    enter(ledger, ("received", "1 bytes"), at=NOW + timedelta(seconds=1))
    tally.look()
    assert tally.since(NOW - timedelta(days=1)) == {"received": 4}
