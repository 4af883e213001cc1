"""Which events of the ledger count: an image came, was judged or declined, a result was stored, or is kept for good."""

from __future__ import annotations

from typing import Literal, get_args

import sqlalchemy as sa

from scp_node.deliver.dimse.statuses import STORE_STATUSES, UNKNOWN_WARNING
from scp_node.deliver.outcomes import Verdict
from scp_node.ledger import tables as t
from scp_node.workflow.commitment_book import PROOFS

Milestone = Literal["received", "declined", "quarantined", "inferred", "delivered", "committed"]
MILESTONES: tuple[Milestone, ...] = get_args(Milestone)
STORED_IN_WORDS = tuple(
    row.meaning for row in (*(row for _, _, row in STORE_STATUSES), UNKNOWN_WARNING) if row.verdict is Verdict.SENT
)


def milestone_of_event() -> sa.ColumnElement[str | None]:
    """The milestone that a row of the event table is, or null. The words are those that the jobs enter."""
    step, outcome = t.event.c.step, t.event.c.outcome
    is_reading, is_failed = step.in_(("choose_route", "check_eligibility", "convert")), outcome.like("failed: %")
    is_stored = sa.or_(*(outcome.like(f"%: {words} [status 0x____]") for words in STORED_IN_WORDS))
    cases: tuple[tuple[sa.ColumnElement[bool], Milestone], ...] = (
        (step == "received", "received"),
        (outcome.like("declined: %"), "declined"),
        (sa.or_(step == "quarantined", sa.and_(is_reading, is_failed)), "quarantined"),
        (sa.and_(step == "judge", sa.not_(is_failed)), "inferred"),
        (sa.and_(step.in_(("send", "fall_back")), is_stored), "delivered"),
        (sa.and_(step == "commitment", sa.or_(*(outcome.like(f"% {words}") for words in PROOFS))), "committed"),
    )
    return sa.case(*((condition, sa.literal_column(f"'{name}'")) for condition, name in cases), else_=sa.null())
