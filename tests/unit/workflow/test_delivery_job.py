"""What an archive's answer means for a delivery: sent, tried again later, given up, or sent as the other SR class."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from pydicom import Dataset
from pynetdicom import AE

from converter.image.sop_classes import SECONDARY_CAPTURE
from scp_node.deliver.destinations import Destinations
from scp_node.dimse.uids import COMPREHENSIVE_3D_SR, COMPREHENSIVE_SR
from scp_node.engine.jobs import JobQueue
from scp_node.ledger import DeliveryRow, JobLost, JobRow, Ledger, NewResult, Transaction
from scp_node.ledger.records import now_utc
from scp_node.queries.job_advice import advice
from scp_node.settings import Settings
from scp_node.storage.spool import Spool
from scp_node.workflow.delivery_job import run_delivery_job
from scp_node.workflow.job_kinds import delivery_job
from scp_node.workflow.job_subjects import cancel_job, retry_job
from scp_node.workflow.services import Services
from tests.support.dicom.objects import small_file
from tests.support.ledger.ledgers import claimed, new_ledger, received
from tests.support.ledger.work import hold
from tests.support.peers.archives import listening, scripted_archive

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
            tx.instances.add(received())
            report = tx.reports.open("1.2.3.1", "chest", "study-job", "m@1.0.0", ["1.2.3.1.1"])
            delivery = tx.reports.close(report, [new], ["pacs"])[0]
            self.jobs.put(tx, delivery_job(delivery, "1.2.3.1", now_utc()))

    def attempt(
        self, port: int, *, while_sending: Callable[[], None] = lambda: None, **delivery: float
    ) -> tuple[DeliveryRow, JobRow]:
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
        services = Services(lambda: settings, self.ledger, self.jobs, self.spool, unused, unused, unused, destinations)
        held = claimed(self.ledger, self.job)
        while_sending()
        try:
            run_delivery_job(services, held)
        finally:
            destinations.close()
        return self.row, self.job

    def is_taken_over(self) -> None:
        with self.ledger.transaction() as tx:
            assert len(tx.jobs.release("test-worker", [])) == 1
        hold(self.ledger, "delivery:1", "other")

    @property
    def row(self) -> DeliveryRow:
        with self.ledger.reading() as tx:
            return tx.deliveries.get(1)

    @property
    def unreached(self) -> str:
        with self.ledger.reading() as tx:
            return tx.unreached.all()["pacs"].failure if tx.unreached.all() else ""

    @property
    def job(self) -> JobRow:
        with self.ledger.reading() as tx:
            return cast(JobRow, tx.jobs.get("delivery:1"))


@pytest.fixture
def delivering(database: str, tmp_path: Path) -> Iterator[Delivering]:
    ledger = new_ledger(tmp_path)
    jobs = JobQueue()
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


@pytest.mark.parametrize("status", [0xA700, 0xC000])
def test_the_own_words_of_an_archive_stand_with_the_delivery_only(delivering: Delivering, status: int) -> None:
    """They may name the patient, and what ails a job stands on pages that name none."""
    answer = Dataset()
    answer.Status, answer.ErrorComment = status, "no room for DOE^JOHN"
    with scripted_archive(answer) as archive:
        delivery, job = delivering.attempt(archive.port)
    assert delivery.detail == f"{job.error}: no room for DOE^JOHN"
    assert "DOE" not in job.error and f"0x{status:04X}" in job.error


def test_a_dead_letter_is_sent_after_a_person_asked_for_it(delivering: Delivering) -> None:
    with scripted_archive(0xC000, 0x0000) as archive:
        assert delivering.attempt(archive.port)[0].state == "dead"
        with delivering.ledger.transaction() as tx:
            retry_job(tx, "delivery:1")
        delivery, job = delivering.attempt(archive.port)
    assert (delivery.state, job.state, delivery.attempts) == ("sent", "done", 2)


def test_a_delivery_that_failed_for_too_long_is_given_up(delivering: Delivering) -> None:
    with delivering.ledger.transaction() as tx:
        tx.deliveries.update(1, created_at=now_utc() - timedelta(hours=3))
    with scripted_archive(0xA700) as archive:
        delivery, job = delivering.attempt(archive.port, give_up_after_h=2)
    assert (delivery.state, job.state) == ("dead", "dead")
    for said in (delivery.detail, job.error):
        assert said.startswith("given up after 2 h (delivery.give_up_after_h); last failure: pacs ")
        assert "0xA700" in said


def test_a_message_names_the_remote_ae_whose_settings_are_wrong(delivering: Delivering) -> None:
    other = AE("OTHER")
    other.require_called_aet = True
    other.add_supported_context(SECONDARY_CAPTURE)
    with listening(other, []) as port:
        _, job = delivering.attempt(port)
    assert "correct remote_aes.pacs.ae_title" in job.error
    assert "C-ECHO" in advice("delivery", job.error)


def test_a_silent_port_is_tried_again(delivering: Delivering) -> None:
    with scripted_archive() as archive:
        port = archive.port
    delivery, job = delivering.attempt(port)
    assert (delivery.state, job.state, delivery.status) == ("failed", "waiting", None)


@pytest.mark.parametrize("ending", [retry_job, cancel_job])
def test_an_archive_counts_as_unreached_until_it_took_something(
    delivering: Delivering, ending: Callable[[Transaction, str], JobRow]
) -> None:
    with scripted_archive() as archive:
        port = archive.port
    delivering.attempt(port)
    assert "nothing listens" in delivering.unreached
    with delivering.ledger.transaction() as tx:
        ending(tx, "delivery:1")
    assert "nothing listens" in delivering.unreached, "what a person does with the job says nothing of the archive"
    with delivering.ledger.transaction() as tx:
        tx.jobs.update("delivery:1", state="dead")
        retry_job(tx, "delivery:1")
    with scripted_archive(0x0000) as archive:
        assert delivering.attempt(archive.port)[0].state == "sent"
    assert delivering.unreached == ""


def test_an_object_that_is_refused_for_good_does_not_show_whether_the_archive_can_be_reached(
    delivering: Delivering,
) -> None:
    with scripted_archive(0xC000) as archive:
        delivering.attempt(archive.port)
    assert delivering.unreached == ""


def test_the_next_attempt_is_when_the_settings_say(delivering: Delivering) -> None:
    before = now_utc()
    with scripted_archive(0xA700) as archive:
        delivery, job = delivering.attempt(archive.port, retry_first_s=1000, retry_max_s=900, retry_jitter=0)
    assert delivery.next_attempt_at == job.due_at
    assert timedelta(seconds=900) <= job.due_at - before < timedelta(seconds=960)


@pytest.mark.parametrize("status", [0x0000, 0xA700, 0xC000])
def test_a_worker_that_lost_its_job_while_the_archive_answered_changes_no_delivery(
    delivering: Delivering, status: int
) -> None:
    before = delivering.row
    with scripted_archive(status) as archive, pytest.raises(JobLost):
        delivering.attempt(archive.port, while_sending=delivering.is_taken_over)
    assert (delivering.row, delivering.job.worker) == (before, "other")


def test_the_class_that_an_archive_refuses_is_replaced_and_remembered(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    jobs = JobQueue()
    one = Delivering(ledger, jobs, Spool(tmp_path / "spool"))
    one.enter(small_file(tmp_path, COMPREHENSIVE_3D_SR), COMPREHENSIVE_3D_SR, "2.25.1")
    with scripted_archive(classes=REFUSES_3D) as archive:
        delivery, job = one.attempt(archive.port)
        assert (delivery.state, job.state) == ("sent", "done")
        assert list(archive.received) == [delivery.result_uid] and delivery.result_uid != "2.25.1"
    with ledger.reading() as tx:
        result = tx.results.get(delivery.result_uid)
        assert result is not None and result.sop_class_uid == COMPREHENSIVE_SR
        assert tx.sop_classes.accepted("pacs", COMPREHENSIVE_3D_SR) is False
    ledger.engine.dispose()
