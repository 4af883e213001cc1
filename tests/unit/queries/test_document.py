"""A record becomes JSON with the names of its fields and moments in UTC."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

from scp_node.ledger.callers import Tally
from scp_node.queries.document import document_of

MOMENT = datetime(2026, 3, 1, 13, 0, 0, 1500, tzinfo=timezone(timedelta(hours=1)))


@dataclass(frozen=True)
class Record:
    at: datetime
    parts: tuple[object, ...]
    counts: dict[str, object]


def test_a_record_is_what_json_can_hold() -> None:
    record = Record(MOMENT, (date(2026, 3, 1), None, 1, 0.5, True, "x"), {"a": Tally(2, MOMENT.astimezone(UTC))})
    document = document_of(record)
    assert document == {
        "at": "2026-03-01T12:00:00.001Z",
        "parts": ["2026-03-01", None, 1, 0.5, True, "x"],
        "counts": {"a": {"times": 2, "last_at": "2026-03-01T12:00:00.001Z"}},
    }
    assert json.loads(json.dumps(document, allow_nan=False)) == document
