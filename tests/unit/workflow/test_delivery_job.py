"""What an archive's answer means for a delivery: sent, tried again later, given up, or sent as the other SR class."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from converter.image.sop_classes import SECONDARY_CAPTURE
from scp_node.deliver.destinations import Destinations
from scp_node.dimse.uids import COMPREHENSIVE_3D_SR, COMPREHENSIVE_SR
from scp_node.engine.jobs import JobQueue
from scp_node.ledger import DeliveryRow, JobRow, Ledger, NewResult
from scp_node.ledger.records import now_utc
from scp_node.settings import Delivery, Settings
from scp_node.storage.spool import Spool
from scp_node.workflow.delivery_job import run_delivery_job, wait_s
from scp_node.workflow.services import Services
from tests.support.dicom.objects import small_file
from tests.support.ledger.ledgers import claimed, new_ledger, received
from tests.support.peers.archives import scripted_archive

REFUSES_3D = (COMPREHENSIVE_SR, SECONDARY_CAPTURE)


@dataclass
class Delivering:
    """One result waiting for one destination, with everything real but the archive's script."""

    ledger: Ledger
    jobs: JobQueue
    spool: Spool
    result_uid: str = ""

    def enter(self, path: Path, sop_class_uid: str, sop_instance_uid: str) -> None:
        self.spool.put("ab" * 32, path.read_bytes())
        new = NewResult(sop_instance_uid, sop_class_uid, "2.25.7", "sr", "ab" * 32, path.stat().st_size, "0")
        with self.ledger.transaction() as tx:
            self.ledger.add_instance(tx, received())
            report = self.ledger.open_report(tx, "1.2.3.1", "chest", "study-job", "m@1.0.0", ["1.2.3.1.1"])
            delivery = self.ledger.close_report(tx, report, [new], ["pacs"])[0]
            self.jobs.enqueue_delivery(tx, delivery.id, "pacs", "1.2.3.1")

    def attempt(self, port: int, **delivery: float) -> tuple[DeliveryRow, JobRow]:
        settings = Settings.model_validate(
            {
                "node": {"ae_title": "HILUM"},
                "remote_aes": {"pacs": {"ae_title": "ARCHIVE", "host": "127.0.0.1", "port": port, "may_send": True}},
                "routes": [{"name": "chest", "model": "pneumonia", "to": ["pacs"]}],
                "delivery": {"connect_timeout_s": 5, "response_timeout_s": 5, **delivery},
            }
        )
        destinations = Destinations(settings)
        unused: Any = None
        parts = Services(lambda: settings, self.ledger, self.jobs, self.spool, unused, unused, unused, destinations)
        try:
            run_delivery_job(parts, claimed(self.ledger, self.job))
        finally:
            destinations.close()
        with self.ledger.reading() as tx:
            return self.ledger.delivery(tx, 1), self.job

    @property
    def job(self) -> JobRow:
        with self.ledger.reading() as tx:
            return cast(JobRow, self.ledger.job(tx, "delivery:1"))


@pytest.fixture
def delivering(tmp_path: Path) -> Iterator[Delivering]:
    ledger = new_ledger(tmp_path)
    jobs = JobQueue(ledger)
    one = Delivering(ledger, jobs, Spool(tmp_path / "spool"))
    path = small_file(tmp_path, SECONDARY_CAPTURE)
    one.enter(path, SECONDARY_CAPTURE, "2.25.1")
    yield one
    ledger.engine.dispose()


@pytest.mark.parametrize(
    ("status", "delivery_state", "job_state"),
    [
        (0x0000, "sent", "done"),
        (0xB000, "sent", "done"),
        (0x0111, "sent", "done"),
        (0xA700, "failed", "waiting"),
        (0xA900, "dead", "dead"),
        (0xC000, "dead", "dead"),
    ],
)
def test_an_answer_decides_what_becomes_of_the_delivery(
    delivering: Delivering, status: int, delivery_state: str, job_state: str
) -> None:
    with scripted_archive(status) as archive:
        delivery, job = delivering.attempt(archive.port)
    assert (delivery.state, job.state, delivery.attempts, delivery.status) == (delivery_state, job_state, 1, status)
    assert (delivery.next_attempt_at is not None) == (delivery_state == "failed")
    assert (delivery.sent_at is not None) == (delivery_state == "sent")


def test_a_dead_letter_is_sent_after_a_person_asked_for_it(delivering: Delivering) -> None:
    with scripted_archive(0xC000, 0x0000) as archive:
        assert delivering.attempt(archive.port)[0].state == "dead"
        with delivering.ledger.transaction() as tx:
            delivering.jobs.retry(tx, "delivery:1")
            delivering.ledger.restart_delivery(tx, 1)
        delivery, job = delivering.attempt(archive.port)
    assert (delivery.state, job.state, delivery.attempts) == ("sent", "done", 2)


def test_a_delivery_that_failed_for_too_long_is_given_up(delivering: Delivering) -> None:
    with delivering.ledger.transaction() as tx:
        delivering.ledger.update_delivery(tx, 1, created_at=now_utc() - timedelta(hours=3))
    with scripted_archive(0xA700) as archive:
        delivery, job = delivering.attempt(archive.port, give_up_after_h=2)
    assert (delivery.state, job.state) == ("dead", "dead")


def test_a_silent_port_is_tried_again(delivering: Delivering) -> None:
    with scripted_archive() as archive:
        port = archive.port
    delivery, job = delivering.attempt(port)
    assert (delivery.state, job.state, delivery.status) == ("failed", "waiting", None)


def test_waiting_doubles_up_to_its_limit_and_is_never_the_same_for_all() -> None:
    settings = Delivery(retry_first_s=5, retry_max_s=600)
    for attempts, longest in ((1, 5), (2, 10), (5, 80), (8, 600), (1000, 600)):
        waits = [wait_s(attempts, settings) for _ in range(50)]
        assert all(longest / 2 <= wait <= longest for wait in waits) and len(set(waits)) > 1


def test_the_class_that_an_archive_refuses_is_replaced_and_remembered(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    jobs = JobQueue(ledger)
    one = Delivering(ledger, jobs, Spool(tmp_path / "spool"))
    one.enter(small_file(tmp_path, COMPREHENSIVE_3D_SR), COMPREHENSIVE_3D_SR, "2.25.1")
    with scripted_archive(classes=REFUSES_3D) as archive:
        delivery, job = one.attempt(archive.port)
        assert (delivery.state, job.state) == ("sent", "done")
        assert list(archive.received) == [delivery.result_uid] and delivery.result_uid != "2.25.1"
    with ledger.reading() as tx:
        result = ledger.result(tx, delivery.result_uid)
        assert result is not None and result.sop_class_uid == COMPREHENSIVE_SR
        assert ledger.sop_class_accepted(tx, "pacs", COMPREHENSIVE_3D_SR) is False
    ledger.engine.dispose()
