"""How an archive is asked for storage commitment, how often, and what is noted when no answer comes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from scp_node.deliver.destinations import Destinations
from scp_node.demo.archive import EmbeddedArchive
from scp_node.dimse.uids import STORAGE_COMMITMENT
from scp_node.ledger import JobRow
from scp_node.ledger import tables as t
from scp_node.ledger.records import now_utc
from scp_node.settings import Delivery, Settings
from scp_node.workflow.commitment_job import NOT_OFFERED, plan_commitment, run_commitment_job
from scp_node.workflow.services import Services
from tests.support.peers.archives import scripted_archive
from tests.support.peers.commitment import RESULT_UID, SentDelivery, committed, committing_archive, sent_delivery
from tests.support.peers.ports import free_port

JOB = "commitment:1:1"
ASKED_MAX = Delivery().commitment_requests_max


class Committing:
    """A sent delivery, and the worker that asks about it."""

    def __init__(self, delivery: SentDelivery) -> None:
        self.delivery, self.ledger = delivery, delivery.ledger

    def services(self, port: int, *, wanted: bool = True, keep_open_s: float = 5.0) -> Services:
        remote = {"ae_title": "ARCHIVE", "host": "127.0.0.1", "port": port, "storage_commitment": wanted}
        settings = Settings.model_validate(
            {
                "node": {"ae_title": "HILUM"},
                "remote_aes": {"pacs": {**remote, "may_send": True}},
                "routes": [{"name": "chest", "model": "pneumonia", "to": ["pacs"]}],
                "delivery": {"connect_timeout_s": 5, "response_timeout_s": 5, "keep_open_s": keep_open_s},
            }
        )
        unused: Any = None
        destinations = Destinations(settings)
        return Services(lambda: settings, self.ledger, self.delivery.jobs, unused, unused, unused, unused, destinations)

    def plan(self, port: int, **options: bool) -> str:
        with self.ledger.transaction() as tx:
            job = self.delivery.job("delivery:1")
            return plan_commitment(tx, self.services(port, **options), self.delivery.row, 1, job, "stored")

    def run(self, port: int, **options: Any) -> JobRow:
        with self.ledger.transaction() as tx:
            tx.jobs.update(JOB, state="running")
        run_commitment_job(self.services(port, **options), self.delivery.job(JOB))
        return self.delivery.job(JOB)

    @property
    def unreached(self) -> str:
        with self.ledger.reading() as tx:
            return tx.unreached.all()["pacs"].failure if tx.unreached.all() else ""

    def offered(self) -> bool | None:
        with self.ledger.reading() as tx:
            return tx.sop_classes.accepted("pacs", STORAGE_COMMITMENT)


@pytest.fixture
def committing(tmp_path: Path) -> Iterator[Committing]:
    with sent_delivery(tmp_path) as delivery:
        yield Committing(delivery)


@pytest.mark.parametrize("before_answer", [False, True])
def test_a_report_on_the_same_association_is_entered_and_answered(committing: Committing, before_answer: bool) -> None:
    with committing_archive(before_answer=before_answer) as archive:
        assert committing.plan(archive.port) == "stored"
        assert committing.run(archive.port).state == "done"
        assert archive.done.wait(10)
    assert archive.reported == [0x0000]
    (request,) = archive.requests
    assert [str(item.ReferencedSOPInstanceUID) for item in request.ReferencedSOPSequence] == [RESULT_UID]
    assert committing.delivery.row.state == "committed"
    assert committing.offered() is True


def test_a_failure_on_the_same_association_has_the_result_sent_again(committing: Committing) -> None:
    with committing_archive(reason=0x0112) as archive:
        committing.plan(archive.port)
        assert committing.run(archive.port).state == "done"
        assert archive.done.wait(10)
    assert archive.reported == [0x0000]
    assert committing.delivery.row.state == "failed"
    assert committing.delivery.job().state == "waiting"


def test_the_request_is_in_the_ledger_before_the_archive_is_asked(committing: Committing) -> None:
    with committing_archive(before_answer=True) as archive:
        committing.plan(archive.port)
        committing.run(archive.port)
    with committing.ledger.reading() as tx:
        row = tx.commitments.get(str(archive.requests[0].TransactionUID))
    assert row is not None and row.requested_at < row.answered_at  # type: ignore[operator]


def test_waiting_ends_when_the_receiver_got_the_report(committing: Committing) -> None:
    with committing_archive(reports=False) as archive:
        committing.plan(archive.port)
        services = committing.services(archive.port, keep_open_s=600)
        with committing.ledger.transaction() as tx:
            tx.jobs.update(JOB, state="running")

        def receive() -> None:
            assert archive.done.wait(10)
            committing.delivery.book.take(committed(str(archive.requests[0].TransactionUID)))

        receiver = threading.Thread(target=receive)
        receiver.start()
        run_commitment_job(services, committing.delivery.job(JOB))
        receiver.join()
    assert committing.delivery.row.state == "committed"


def test_an_archive_that_does_not_answer_is_asked_again_and_then_left(committing: Committing) -> None:
    with committing_archive(reports=False) as archive:
        committing.plan(archive.port)
        for _ in range(ASKED_MAX):
            job = committing.run(archive.port, keep_open_s=0.0)
            assert job.state == "waiting" and job.due_at - now_utc() > timedelta(minutes=30)
        assert committing.run(archive.port).state == "done"
        assert len(archive.requests) == ASKED_MAX
    uids = {str(request.TransactionUID) for request in archive.requests}
    assert len(uids) == ASKED_MAX
    row = committing.delivery.row
    assert (row.state, row.detail) == ("sent", f"stored; not confirmed after {ASKED_MAX} requests: no report came")


@pytest.mark.parametrize("status", [0x0110, 0x0112, 0x0124, 0xC123])
def test_an_archive_that_refuses_the_request_is_asked_again(committing: Committing, status: int) -> None:
    with committing_archive(status=status, reports=False) as archive:
        committing.plan(archive.port)
        job = committing.run(archive.port)
    assert job.state == "waiting" and f"[status 0x{status:04X}]" in job.error
    assert committing.delivery.row.state == "sent"


def test_an_archive_that_cannot_be_reached_is_asked_again(committing: Committing) -> None:
    port = free_port()
    committing.plan(port)
    assert committing.run(port).state == "waiting"
    assert committing.delivery.row.state == "sent"
    assert committing.offered() is None
    assert "nothing listens" in committing.unreached
    with committing_archive() as archive:
        committing.run(archive.port)
    assert committing.unreached == ""


def test_an_archive_that_does_not_offer_it_is_remembered_and_not_asked_for_an_hour(committing: Committing) -> None:
    with scripted_archive() as archive:
        committing.plan(archive.port)
        assert committing.run(archive.port).state == "done"
        assert archive.associations == 1
        assert committing.delivery.row.detail == f"stored; {NOT_OFFERED}"
        assert committing.offered() is False
        assert committing.plan(archive.port) == f"stored; {NOT_OFFERED}"
    with committing.ledger.transaction() as tx:
        tx.connection.execute(t.capability.update().values(seen_at=now_utc() - timedelta(hours=2)))
    assert committing.plan(archive.port) == "stored"


def test_the_archive_of_the_demonstration_declines_in_order(committing: Committing, tmp_path: Path) -> None:
    archive = EmbeddedArchive(tmp_path / "archive")
    archive.start()
    try:
        committing.plan(archive.port)
        assert committing.run(archive.port).state == "done"
    finally:
        archive.stop()
    assert committing.delivery.row.detail == f"stored; {NOT_OFFERED}"


def test_nobody_is_asked_where_the_configuration_does_not_say_so(committing: Committing) -> None:
    assert committing.plan(free_port(), wanted=False) == "stored"
    with committing.ledger.reading() as tx:
        assert tx.jobs.get(JOB) is None


def test_a_result_that_is_committed_already_is_not_asked_about(committing: Committing) -> None:
    port = free_port()
    committing.plan(port)
    committing.delivery.book.take(committed(committing.delivery.ask()))
    assert committing.run(port).state == "done"
    assert committing.delivery.row.state == "committed"
