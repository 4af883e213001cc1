"""The tables of statuses and rejections: complete, without overlap, and true to the standard."""

from __future__ import annotations

import itertools

import pytest
from pynetdicom.status import STATUS_SUCCESS, STATUS_WARNING, STORAGE_SERVICE_CLASS_STATUS, code_to_category

from scp_node.deliver.dimse.statuses import REJECTIONS, STORE_STATUSES, row_of_status
from scp_node.deliver.outcomes import FAULTS, Verdict


def test_ranges_of_statuses_do_not_overlap() -> None:
    ranges = sorted((first, last) for first, last, _ in STORE_STATUSES)
    assert all(first <= last for first, last in ranges)
    assert all(before[1] < after[0] for before, after in itertools.pairwise(ranges))


def test_every_status_has_a_verdict() -> None:
    for status in range(0x10000):
        assert row_of_status(status).verdict in Verdict


def test_no_failure_of_the_standard_counts_as_sent_but_a_duplicate() -> None:
    for status in range(0x10000):
        category = code_to_category(status)
        if row_of_status(status).verdict is Verdict.SENT and category not in (STATUS_SUCCESS, STATUS_WARNING):
            # 0x0001 and Bxxx outside the table are warnings of PS3.7 C.3, which pynetdicom does not list
            assert status == 0x0111 or status == 0x0001 or 0xB000 <= status <= 0xBFFF


def test_success_and_warnings_of_the_storage_service_count_as_sent() -> None:
    for status, (category, _) in STORAGE_SERVICE_CLASS_STATUS.items():
        if category in (STATUS_SUCCESS, STATUS_WARNING):
            assert row_of_status(status).verdict is Verdict.SENT


@pytest.mark.parametrize(
    ("status", "verdict", "code"),
    [
        (0x0000, Verdict.SENT, "stored"),
        (0xB000, Verdict.SENT, "stored-coerced"),
        (0xB006, Verdict.SENT, "stored-without-some"),
        (0xB007, Verdict.SENT, "stored-mismatch"),
        (0x0111, Verdict.SENT, "already-there"),
        (0xA700, Verdict.RETRY, "out-of-resources"),
        (0xA7FF, Verdict.RETRY, "out-of-resources"),
        (0x0110, Verdict.RETRY, "processing-failure"),
        (0x0124, Verdict.RETRY, "not-authorised"),
        (0x1234, Verdict.RETRY, "unknown-status"),
        (0xA900, Verdict.DEAD, "dataset-mismatch"),
        (0xA9FF, Verdict.DEAD, "dataset-mismatch"),
        (0xC000, Verdict.DEAD, "cannot-understand"),
        (0xCFFF, Verdict.DEAD, "cannot-understand"),
        (0x0122, Verdict.CLASS_NOT_ACCEPTED, "class-not-supported"),
    ],
)
def test_statuses_are_told_apart(status: int, verdict: Verdict, code: str) -> None:
    row = row_of_status(status)
    assert (row.verdict, row.code) == (verdict, code)


def test_every_rejection_of_the_standard_is_tried_again() -> None:
    standard = {(1, 1, 1), (1, 1, 2), (1, 1, 3), (1, 1, 7), (1, 2, 1), (1, 2, 2), (2, 3, 1), (2, 3, 2)}
    assert set(REJECTIONS) == standard
    assert all(FAULTS[code].verdict is Verdict.RETRY for code in REJECTIONS.values())
