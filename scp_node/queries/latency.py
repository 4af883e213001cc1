"""How long it takes from the answer 0x0000 to an image until its report is in the archive: of the last reports."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from scp_node.ledger import Transaction
from scp_node.ledger import tables as t

REPORTS_MAX, LOOKED_AT_MAX = 200, 2_000
LATENCY_KIND = "sr"
ENTERED_WITHIN = timedelta(seconds=60)
"""Of its report being built: a delivery that is entered later was asked for by a person."""


@dataclass(frozen=True)
class Latency:
    """Of the last reports, the newest last, in seconds: until the archive had stored them, and until it had committed
    to keep them, where it was asked."""

    stored_s: tuple[float, ...] = ()
    committed_s: tuple[float, ...] = ()

    @property
    def median_s(self) -> float | None:
        return statistics.median(self.stored_s) if self.stored_s else None

    @property
    def p95_s(self) -> float | None:
        return quantile(self.stored_s, 0.95)

    @property
    def committed_median_s(self) -> float | None:
        return statistics.median(self.committed_s) if self.committed_s else None

    @property
    def committed_p95_s(self) -> float | None:
        return quantile(self.committed_s, 0.95)


def quantile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that `share` of all do not exceed; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def latency(tx: Transaction, since: datetime) -> Latency:
    """At most REPORTS_MAX reports among the newest LOOKED_AT_MAX deliveries, sent from `since` on, each until the first
    of its destinations has it. The clock of a report starts with its last image, because until then nobody could have
    made it; what a person had made or sent anew after that tells nothing of how fast the node is."""
    found: dict[int, _Ended] = {}
    for row in _reports_sent(tx, since):
        if row.report_id not in found and len(found) == REPORTS_MAX:
            break
        is_first = row.received_at is not None and (row.before_at is None or row.before_at < row.received_at)
        if is_first and row.created_at - row.built_at <= ENTERED_WITHIN:
            stored_s = max(0.0, (row.sent_at - row.received_at).total_seconds())
            committed_s = math.inf
            if row.committed_at is not None:
                committed_s = max(0.0, (row.committed_at - row.received_at).total_seconds())
            other = found.get(row.report_id, _Ended(math.inf, math.inf))
            found[row.report_id] = _Ended(min(stored_s, other.stored_s), min(committed_s, other.committed_s))
    ended = [*reversed(found.values())]
    return Latency(
        tuple(one.stored_s for one in ended),
        tuple(one.committed_s for one in ended if one.committed_s < math.inf),
    )


@dataclass(frozen=True)
class _Ended:
    """How long one report took; infinite: it was not committed."""

    stored_s: float
    committed_s: float


def _reports_sent(tx: Transaction, since: datetime) -> Iterator[Any]:
    """Deliveries, the newest first, with when the last image of their report came, and when the report before it of
    the same study and route was begun."""
    last_id = tx.connection.execute(sa.select(sa.func.max(t.delivery.c.id))).scalar_one() or 0
    before = t.report.alias()
    last_image = sa.select(sa.func.max(t.instance.c.received_at)).where(
        t.instance.c.study_instance_uid == t.report.c.study_instance_uid,
        # A report is dated to the second, as DICOM has it, and may be built in the second in which its image came.
        t.instance.c.received_at <= t.report.c.built_at,
    )
    begun_before = sa.select(sa.func.max(before.c.created_at)).where(
        before.c.study_instance_uid == t.report.c.study_instance_uid,
        before.c.route == t.report.c.route,
        before.c.revision < t.report.c.revision,
        before.c.built_at.is_not(None),
    )
    answered = sa.select(sa.func.max(t.commitment.c.answered_at)).where(
        t.commitment.c.delivery_id == t.delivery.c.id, t.commitment.c.state == "committed"
    )
    yield from tx.connection.execute(
        sa.select(
            *(t.result.c.report_id, t.report.c.built_at, t.delivery.c.created_at, t.delivery.c.sent_at),
            last_image.scalar_subquery().label("received_at"),
            begun_before.correlate(t.report).scalar_subquery().label("before_at"),
            answered.scalar_subquery().label("committed_at"),
        )
        .join(t.result, t.result.c.sop_instance_uid == t.delivery.c.result_uid)
        .join(t.report, t.report.c.id == t.result.c.report_id)
        .where(t.delivery.c.id > last_id - LOOKED_AT_MAX, t.delivery.c.sent_at >= since)
        .where(t.result.c.kind == LATENCY_KIND, t.report.c.built_at.is_not(None))
        .order_by(t.delivery.c.id.desc())
    )
