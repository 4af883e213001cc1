"""Head starts order jobs by urgency and age, for both engines in the same order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from converter.image.priority import PRIORITIES, ROUTINE, STAT
from scp_node.ledger import Ledger
from scp_node.ledger.job_order import HeadStarts, go_by, head_starts
from scp_node.ledger.records import now_utc
from scp_node.settings import Workers
from tests.support.ledger.studies import SETTINGS
from tests.support.ledger.work import enter_image

START = datetime(2025, 1, 1, tzinfo=UTC)
RANKS = st.integers(0, len(PRIORITIES) - 1)
MOMENTS = st.integers(0, 65 * 365 * 86400).map(lambda seconds: START + timedelta(seconds=seconds))
SECONDS = st.floats(0, 86400)
STARTS = st.builds(HeadStarts, SECONDS, SECONDS, SECONDS)


@given(STARTS, RANKS, RANKS, MOMENTS, MOMENTS)
def test_tickets_go_in_the_order_of_turns(
    order: HeadStarts, one: int, other: int, due: datetime, late: datetime
) -> None:
    turns = order.turn(one, due), order.turn(other, late)
    assume(abs(turns[0] - turns[1]) > timedelta(seconds=2))
    tickets = order.of_ticket(one, due), order.of_ticket(other, late)
    assert (turns[0] < turns[1]) == (tickets[0] > tickets[1])
    assert all(abs(ticket) < 2**31 for ticket in tickets)


@given(STARTS, RANKS, RANKS, MOMENTS)
def test_nothing_waits_longer_than_the_difference_of_two_head_starts(
    order: HeadStarts, urgent: int, other: int, due: datetime
) -> None:
    """Whatever comes in later than that, as urgent as it may be, goes behind."""
    most = timedelta(seconds=max(order.stat_ahead_s, order.high_ahead_s) + order.low_behind_s + 1)
    assert order.turn(other, due) < order.turn(urgent, due + most)


def test_what_is_configured_is_gone_by(ledger: Ledger) -> None:
    assert head_starts(SETTINGS) == HeadStarts(), "what holds without settings is what holds by default"
    workers = Workers(stat_ahead_s=10, high_ahead_s=5)
    go_by(ledger.engine, head_starts(SETTINGS.model_copy(update={"workers": workers})))
    moment = now_utc()
    urgent = enter_image(ledger, 1, moment, STAT)
    older = enter_image(ledger, 2, moment - timedelta(seconds=11), ROUTINE)
    younger = enter_image(ledger, 3, moment - timedelta(seconds=9), ROUTINE)
    with ledger.reading() as tx:
        assert [job.job_id for job in tx.jobs.due("images", 3, now_utc())] == [older, urgent, younger]
        assert [job.job_id for job in tx.jobs.due("images", 2, now_utc())] == [older, urgent]
