"""Who called is kept in bounded rows, those that were let in the longest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from scp_node.ledger import Ledger, callers
from scp_node.ledger.callers import REASONS_MAX, CallerRecord, Tally

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)


def caller(title: str = "MODALITY", at: datetime = NOON, associations: int = 0) -> CallerRecord:
    return CallerRecord(title, "HILUM", "10.0.0.1", at, at, associations)


def enter(ledger: Ledger, *records: CallerRecord) -> list[CallerRecord]:
    with ledger.transaction() as tx:
        tx.callers.add(records)
    with ledger.reading() as tx:
        return tx.callers.all()


def test_what_a_caller_does_is_added_up(ledger: Ledger) -> None:
    first = replace(
        caller(associations=2),
        stored=3,
        last_stored_at=NOON,
        refused=1,
        last_refused_at=NOON,
        last_refusal="0xA700 full",
        rejections={"a": Tally(2, NOON)},
        contexts={"CT": Tally(1, NOON)},
    )
    later = replace(caller(at=LATER, associations=1), silent=1, rejections={"a": Tally(1, LATER), "b": Tally(1, LATER)})
    assert enter(ledger, first) == [first]
    (both,) = enter(ledger, later)
    assert both == replace(
        first,
        last_seen_at=LATER,
        associations=3,
        silent=1,
        rejections={"a": Tally(3, LATER), "b": Tally(1, LATER)},
    )


def test_titles_and_addresses_are_told_apart(ledger: Ledger) -> None:
    records = [caller(), caller("OTHER"), replace(caller(), address="10.0.0.2"), replace(caller(), called_ae_title="X")]
    assert len(enter(ledger, *records, *records)) == 4


def test_of_many_reasons_the_last_are_kept(ledger: Ledger) -> None:
    for number in range(REASONS_MAX + 5):
        at = NOON + timedelta(seconds=number)
        (row,) = enter(ledger, replace(caller(at=at), rejections={f"{number} " + "x" * 1000: Tally(1, at)}))
    assert len(row.rejections) == REASONS_MAX and max(map(len, row.rejections)) == callers.REASON_CHARACTERS_MAX
    assert not any(reason.startswith("0 ") for reason in row.rejections)


def test_strangers_push_out_nobody_who_was_let_in(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "ROWS_MAX", 10)
    enter(ledger, caller("KNOWN", associations=1))
    for number in range(30):
        rows = enter(ledger, caller(f"STRANGER{number}", NOON + timedelta(minutes=number)))
    titles = [row.calling_ae_title for row in rows]
    assert titles == [*(f"STRANGER{number}" for number in range(29, 20, -1)), "KNOWN"]
