"""One formula for all waits, and one table of when what failed is tried again."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scp_node.engine.retry import Backoff, RetryPolicy, Work, retry_table
from scp_node.ledger.records import JobKind, now_utc
from scp_node.settings import Delivery, Workers


@pytest.mark.parametrize(("attempts", "longest"), [(1, 5), (2, 10), (5, 80), (8, 600), (1000, 600)])
def test_waits_double_up_to_their_limit_and_are_never_the_same_for_all(attempts: int, longest: float) -> None:
    backoff = Backoff(5, 2, 600, jitter=0.5)
    waits = [backoff.wait_s(attempts) for _ in range(50)]
    assert all(longest / 2 <= wait <= longest for wait in waits) and len(set(waits)) > 1


@given(st.floats(0.01, 86400), st.floats(1, 10), st.floats(0.01, 86400), st.floats(0, 1), st.integers(1, 1_000_000))
def test_no_wait_is_longer_than_its_limit_or_shorter_than_nothing(
    first_s: float, factor: float, max_s: float, jitter: float, attempts: int
) -> None:
    assert 0 <= Backoff(first_s, factor, max_s, jitter).wait_s(attempts) <= max_s


def test_without_a_lot_waits_are_exact() -> None:
    backoff = Backoff(0.2, 2, 30)
    assert [backoff.wait_s(attempts) for attempts in (1, 2, 3, 100)] == [0.2, 0.4, 0.8, 30]


def test_attempts_are_used_up_and_time_runs_out() -> None:
    policy = RetryPolicy(Backoff(1, 1, 1), attempts_max=3, give_up_after=timedelta(hours=1))
    assert [policy.is_exhausted(attempts) for attempts in (0, 2, 3, 4)] == [False, False, True, True]
    moment = now_utc()
    assert not policy.is_too_late(moment - timedelta(minutes=59), moment)
    assert policy.is_too_late(moment - timedelta(minutes=61), moment)
    endless = RetryPolicy(Backoff(1, 1, 1))
    assert not endless.is_exhausted(10**9) and not endless.is_too_late(moment - timedelta(days=9999), moment)


# first wait, second wait, longest wait, part by lot, attempts, hours
DEFAULTS: dict[Work, tuple[float, float, float, float, int | None, float | None]] = {
    "image": (3, 9, 300, 0.2, 5, 72),
    "study": (3, 9, 300, 0.2, 5, 72),
    "shadow": (3, 9, 300, 0.2, 5, 72),
    "commitment": (3, 9, 300, 0.2, 5, 72),
    "delivery": (5, 10, 600, 0.5, 100_000, 72),
    "commitment-request": (3600, 3600, 3600, 0, 3, None),
    "commitment-offer": (3600, 3600, 3600, 0, None, None),
    "query": (30, 120, 3600, 0, 5, None),
    "uncommitted-result": (60, 60, 60, 0, 3, None),
    "lost-lease": (30, 30, 30, 0, 5, None),
    "queue-look": (1, 1, 1, 0, None, None),
    "role": (0.2, 0.4, 30, 0, None, None),
}


def test_where_nothing_is_set_these_hold() -> None:
    table = retry_table(Workers(), Delivery())
    assert table.keys() == DEFAULTS.keys() and table.keys() >= set(get_args(JobKind))
    for work, (first_s, second_s, max_s, jitter, attempts_max, hours) in DEFAULTS.items():
        policy = table[work]
        exact = Backoff(policy.backoff.first_s, policy.backoff.factor, policy.backoff.max_s)
        assert (exact.wait_s(1), exact.wait_s(2), exact.wait_s(99)) == (first_s, second_s, max_s)
        assert (policy.backoff.jitter, policy.attempts_max) == (jitter, attempts_max)
        assert policy.give_up_after == (None if hours is None else timedelta(hours=hours))


SETTINGS: dict[str, set[Work]] = {
    "workers.attempts_max": {"image", "study", "shadow", "commitment", "lost-lease"},
    "workers.retry_first_s": {"image", "study", "shadow", "commitment"},
    "workers.retry_factor": {"image", "study", "shadow", "commitment"},
    "workers.retry_max_s": {"image", "study", "shadow", "commitment"},
    "workers.retry_jitter": {"image", "study", "shadow", "commitment"},
    "workers.give_up_after_h": {"image", "study", "shadow", "commitment"},
    "workers.lease_s": {"lost-lease"},
    "workers.queue_retry_s": {"queue-look"},
    "workers.restart_first_s": {"role"},
    "workers.restart_factor": {"role"},
    "workers.restart_max_s": {"role"},
    "delivery.retry_first_s": {"delivery"},
    "delivery.retry_factor": {"delivery"},
    "delivery.retry_max_s": {"delivery"},
    "delivery.retry_jitter": {"delivery"},
    "delivery.give_up_after_h": {"delivery"},
    "delivery.attempts_max": {"delivery"},
    "delivery.commitment_timeout_s": {"commitment-request"},
    "delivery.commitment_requests_max": {"commitment-request", "commitment"},
    "delivery.commitment_not_offered_s": {"commitment-offer"},
    "delivery.query_wait_s": {"query"},
    "delivery.queries_max": {"query", "commitment"},
    "delivery.uncommitted_retry_s": {"uncommitted-result"},
    "delivery.uncommitted_attempts_max": {"uncommitted-result"},
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_each_number_of_the_table_is_a_setting_of_its_own(setting: str) -> None:
    section, _, name = setting.partition(".")
    value = 1 if name == "retry_jitter" else 10
    workers = Workers.model_validate({name: value} if section == "workers" else {})
    delivery = Delivery.model_validate({name: value} if section == "delivery" else {})
    before, after = retry_table(Workers(), Delivery()), retry_table(workers, delivery)
    assert {work for work in before if before[work] != after[work]} == SETTINGS[setting]
