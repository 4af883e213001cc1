"""What a report on storage commitment is answered, and what becomes of the delivery it is about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import Dataset

from converter.image.sop_classes import SECONDARY_CAPTURE
from scp_node.dimse.storage_commitment import REPORT_BYTES_MAX, EventReport
from scp_node.dimse.uids import COMPREHENSIVE_SR, IMPLICIT_LE
from scp_node.ledger.records import now_utc
from scp_node.settings import Delivery
from scp_node.workflow.commitment_book import FAILURE_REASONS, Remedy
from scp_node.workflow.job_kinds import commitment_job
from tests.support.peers.commitment import (
    OUR_RESULT,
    RESULT_UID,
    SentDelivery,
    committed,
    encoded,
    event_information,
    event_report,
    failed,
    references,
    sent_delivery,
)

SENT_MAX = Delivery().uncommitted_attempts_max


@pytest.fixture
def delivery(tmp_path: Path) -> Iterator[SentDelivery]:
    with sent_delivery(tmp_path) as one:
        yield one


def test_a_result_that_the_archive_commits_to_keep_is_committed(delivery: SentDelivery) -> None:
    assert delivery.book.take(committed(delivery.ask())).status == 0x0000
    assert (delivery.row.state, delivery.row.detail) == ("committed", "pacs has committed to keep it")
    assert delivery.events() == ["pacs has committed to keep it"]


def test_a_report_in_implicit_vr_is_read_too(delivery: SentDelivery) -> None:
    data = encoded(event_information(delivery.ask(), references(OUR_RESULT)), is_implicit=True)
    assert delivery.book.take(event_report(data, transfer_syntax_uid=IMPLICIT_LE)).status == 0x0000
    assert delivery.row.state == "committed"


def test_the_same_report_again_is_answered_the_same_and_changes_nothing(delivery: SentDelivery) -> None:
    report = committed(delivery.ask())
    for _ in range(3):
        assert delivery.book.take(report).status == 0x0000
    assert len(delivery.events()) == 1


def test_the_first_report_counts(delivery: SentDelivery) -> None:
    transaction_uid = delivery.ask()
    delivery.book.take(committed(transaction_uid))
    assert delivery.book.take(failed(transaction_uid, 0x0112)).status == 0x0000
    assert delivery.row.state == "committed"


def test_a_late_report_on_an_earlier_request_counts(delivery: SentDelivery) -> None:
    first = delivery.ask()
    delivery.ask()
    assert delivery.book.take(committed(first)).status == 0x0000
    assert delivery.row.state == "committed"


def test_a_result_that_the_archive_lost_is_sent_again_and_given_up_in_the_end(delivery: SentDelivery) -> None:
    for _ in range(SENT_MAX - 1):
        assert delivery.book.take(failed(delivery.ask(), 0x0112)).status == 0x0000
        assert delivery.row.state == "failed" and delivery.row.next_attempt_at is not None
        assert delivery.job().state == "waiting"
        delivery.is_sent_again()
    assert delivery.book.take(failed(delivery.ask(), 0x0112)).status == 0x0000
    assert (delivery.row.state, delivery.job().state) == ("dead", "dead")
    assert delivery.row.detail == "pacs does not commit to keep it: it does not have the object [reason 0x0112]"


def test_a_replay_of_a_failure_does_not_count_twice(delivery: SentDelivery) -> None:
    report = failed(delivery.ask(), 0x0112)
    for _ in range(SENT_MAX + 1):
        assert delivery.book.take(report).status == 0x0000
    assert delivery.row.state == "failed"
    assert delivery.job().attempt == 2


def test_a_late_failure_does_not_touch_a_result_that_is_on_its_way_again(delivery: SentDelivery) -> None:
    first, second = delivery.ask(), delivery.ask()
    delivery.book.take(failed(first, 0x0112))
    assert delivery.book.take(failed(second, 0x0112)).status == 0x0000
    assert delivery.job().attempt == 2


@pytest.mark.parametrize("reason", [*FAILURE_REASONS, 0x0999])
def test_each_failure_reason_has_its_remedy(delivery: SentDelivery, reason: int) -> None:
    _, remedy = FAILURE_REASONS.get(reason, ("", Remedy.SEND_AGAIN))
    assert delivery.book.take(failed(delivery.ask(), reason)).status == 0x0000
    assert delivery.row.state == ("failed" if remedy is Remedy.SEND_AGAIN else "dead")
    assert f"[reason 0x{reason:04X}]" in delivery.row.detail


def test_nobody_is_asked_any_more_once_an_answer_came(delivery: SentDelivery) -> None:
    with delivery.ledger.transaction() as tx:
        delivery.jobs.put(tx, commitment_job(delivery.row, 1, "1.2.3.1", now_utc()))
    delivery.book.take(committed(delivery.ask()))
    assert delivery.job("commitment:1:1").state == "done"


OTHER = (COMPREHENSIVE_SR, "2.25.99")
BAD_REFERENCES: dict[str, tuple[list[Dataset] | None, list[Dataset] | None, int]] = {
    "no object": ([], None, 1),
    "no sequence": (None, None, 1),
    "one too many": (references(OUR_RESULT, OTHER), None, 1),
    "the same one twice": (references(OUR_RESULT, OUR_RESULT), None, 1),
    "another object": (references((SECONDARY_CAPTURE, "2.25.99")), None, 1),
    "another class": (references((COMPREHENSIVE_SR, RESULT_UID)), None, 1),
    "committed and failed": (references(OUR_RESULT), references(OUR_RESULT, reason=0x0112), 2),
    "failed within all committed": (None, references(OUR_RESULT, reason=0x0112), 1),
    "all committed within failed": (references(OUR_RESULT), None, 2),
    "a failure without reason": (None, references(OUR_RESULT), 2),
    "a reference without UIDs": ([Dataset()], None, 1),
}


@pytest.mark.parametrize(("committed_items", "failed_items", "event_type"), BAD_REFERENCES.values(), ids=BAD_REFERENCES)
def test_a_report_on_anything_but_the_one_object_is_an_invalid_argument(
    delivery: SentDelivery, committed_items: list[Dataset] | None, failed_items: list[Dataset] | None, event_type: int
) -> None:
    ds = event_information(delivery.ask(), committed_items, failed_items)
    assert delivery.book.take(event_report(ds, event_type)).status == 0x0115
    assert delivery.row.state == "sent" and delivery.events() == []


def nested(depth: int) -> bytes:
    """Sequences within sequences of undefined length, never closed."""
    return b"\x08\x00\x99\x11SQ\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" * depth


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"\x08\x00\x95\x11UI\xff\xff",
        b"\xff" * 1000,
        nested(20),
        nested(REPORT_BYTES_MAX // 20),
        encoded(Dataset()),
        encoded(event_information("", references(OUR_RESULT))),
    ],
    ids=["empty", "one byte", "length beyond the end", "no data set", "deep", "deepest", "no elements", "no UID"],
)
@pytest.mark.parametrize("event_type", [1, 2])
def test_bytes_that_are_no_report_are_an_invalid_argument(delivery: SentDelivery, data: bytes, event_type: int) -> None:
    delivery.ask()
    assert delivery.book.take(event_report(data, event_type)).status == 0x0115
    assert delivery.row.state == "sent"


def variant(report: EventReport, **changes: object) -> EventReport:
    return EventReport(**vars(report) | changes)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"ae_title": "OTHER"}, 0x0115),
        ({"ae_title": ""}, 0x0115),
        ({"sop_class_uid": SECONDARY_CAPTURE}, 0x0118),
        ({"sop_instance_uid": "1.2.3"}, 0x0112),
        ({"event_type": 3}, 0x0113),
        ({"event_type": None}, 0x0113),
    ],
)
def test_a_report_of_someone_else_or_on_something_else_is_refused(
    delivery: SentDelivery, changes: dict[str, object], status: int
) -> None:
    report = committed(delivery.ask())
    assert delivery.book.take(variant(report, **changes)).status == status
    assert delivery.row.state == "sent"
    assert delivery.book.take(report).status == 0x0000


def test_a_report_on_a_request_that_nobody_made_is_refused(delivery: SentDelivery) -> None:
    assert delivery.book.take(committed("2.25.123")).status == 0x0115
    assert delivery.row.state == "sent"


def test_answers_fit_into_an_error_comment(delivery: SentDelivery) -> None:
    transaction_uid = delivery.ask()
    reports = [
        committed("2.25.123"),
        event_report(event_information(transaction_uid, [])),
        event_report(b"\xff"),
        event_report(event_information(transaction_uid, failed=references(OUR_RESULT, reason=1))),
    ]
    comments = [delivery.book.take(report).comment for report in reports]
    assert all(0 < len(comment) <= 64 for comment in comments), comments
