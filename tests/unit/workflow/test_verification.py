"""A result that nobody has confirmed is looked for by query: listed it is proven, not listed it is sent again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset

from scp_node.deliver.destinations import Destinations
from scp_node.ledger import JobRow
from scp_node.ledger.records import now_utc
from scp_node.settings import Delivery, Settings
from scp_node.workflow.commitment_book import LISTED
from scp_node.workflow.commitment_job import NOT_OFFERED, plan_commitment, run_commitment_job
from scp_node.workflow.services import Services
from scp_node.workflow.verification import NOT_LISTED
from tests.support.peers.archives import scripted_archive
from tests.support.peers.commitment import RESULT_UID, SentDelivery, committing_archive, sent_delivery
from tests.support.peers.ports import free_port
from tests.support.peers.queries import Answers, listing, querying_archive

JOB = "commitment:1:1"
QUERIES_MAX = Delivery().queries_max


class Verifying:
    """A sent delivery to an archive that is asked by query, and by storage commitment where `committed` says so."""

    def __init__(self, delivery: SentDelivery) -> None:
        self.delivery, self.ledger, self.committed = delivery, delivery.ledger, False

    def services(self, port: int) -> Services:
        remote = {"ae_title": "ARCHIVE", "host": "127.0.0.1", "port": port, "storage_commitment": self.committed}
        settings = Settings.model_validate(
            {
                "node": {"ae_title": "HILUM"},
                "remote_aes": {"pacs": {**remote, "may_send": True, "verify_by_query": True}},
                "routes": [{"name": "chest", "model": "pneumonia", "to": ["pacs"]}],
                "delivery": {"connect_timeout_s": 5, "response_timeout_s": 5, "keep_open_s": 0},
            }
        )
        unused: Any = None
        destinations = Destinations(settings)
        return Services(lambda: settings, self.ledger, self.delivery.jobs, unused, unused, unused, unused, destinations)

    def plan(self, port: int) -> JobRow:
        with self.ledger.transaction() as tx:
            assert (
                plan_commitment(tx, self.services(port), self.delivery.row, 1, self.delivery.job(), "stored")
                == "stored"
            )
        return self.delivery.job(JOB)

    def run(self, port: int) -> JobRow:
        with self.ledger.transaction() as tx:
            tx.jobs.update(JOB, state="running")
        run_commitment_job(self.services(port), self.delivery.job(JOB))
        return self.delivery.job(JOB)


@pytest.fixture
def verifying(tmp_path: Path) -> Iterator[Verifying]:
    with sent_delivery(tmp_path) as delivery:
        yield Verifying(delivery)


def test_a_result_that_is_listed_is_proven_and_the_ledger_says_how(verifying: Verifying) -> None:
    with querying_archive(listing(RESULT_UID)) as archive:
        due_in = verifying.plan(archive.port).due_at - now_utc()
        assert timedelta(seconds=20) < due_in <= timedelta(seconds=30), "archives list it a little later"
        assert verifying.run(archive.port).state == "done"
        (keys,) = archive.queries
    assert (keys.StudyInstanceUID, keys.SeriesInstanceUID, keys.SOPInstanceUID) == ("1.2.3.1", "2.25.7", RESULT_UID)
    row = verifying.delivery.row
    assert (row.state, row.detail) == ("committed", f"pacs {LISTED}")
    assert verifying.delivery.events() == [f"pacs {LISTED}"]
    with verifying.ledger.reading() as tx:
        (proof,) = tx.commitments.of_delivery(1)
    assert proof.state == "committed" and proof.transaction_uid.startswith("query-")


def test_one_that_is_not_listed_yet_is_asked_for_after_longer_and_longer_waits(verifying: Verifying) -> None:
    with querying_archive(listing()) as archive:
        verifying.plan(archive.port)
        waits = []
        for _ in range(QUERIES_MAX - 1):
            job = verifying.run(archive.port)
            assert (job.state, job.error) == ("waiting", NOT_LISTED)
            waits.append(round((job.due_at - now_utc()).total_seconds() / 30))
    assert waits == [1, 4, 16, 64]
    assert verifying.delivery.state() == "sent"
    with querying_archive(listing(RESULT_UID)) as archive:
        verifying.run(archive.port)
    assert verifying.delivery.state() == "committed"


def test_one_that_is_never_listed_is_sent_again_and_then_a_dead_letter(verifying: Verifying) -> None:
    """As often as one that its archive reports as not kept."""
    ends = []
    with querying_archive(listing()) as archive:
        for _ in range(Delivery().uncommitted_attempts_max):
            verifying.plan(archive.port)
            with verifying.ledger.transaction() as tx:
                tx.jobs.update(JOB, attempt=QUERIES_MAX)
            assert verifying.run(archive.port).state == "done"
            ends.append((verifying.delivery.state(), verifying.delivery.job().state))
            if ends[-1][0] == "failed":
                verifying.delivery.is_sent_again()
            with verifying.ledger.transaction() as tx:
                tx.connection.exec_driver_sql(f"DELETE FROM hilum_job WHERE job_id = '{JOB}'")
    assert ends == [("failed", "waiting"), ("failed", "waiting"), ("dead", "dead")]
    assert "it does not have the object" in verifying.delivery.row.detail


def refused(_: Dataset) -> Answers:
    yield 0xA700, None


def test_one_that_cannot_be_asked_about_stays_sent_with_a_note(verifying: Verifying) -> None:
    with querying_archive(refused) as archive:
        verifying.plan(archive.port)
        for _ in range(QUERIES_MAX - 1):
            assert "no resources" in verifying.run(archive.port).error
        assert verifying.run(archive.port).state == "done"
    row = verifying.delivery.row
    assert row.state == "sent" and f"not confirmed after {QUERIES_MAX} queries: it has no resources" in row.detail


def test_an_archive_without_queries_is_asked_once(verifying: Verifying) -> None:
    with scripted_archive() as archive:
        verifying.plan(archive.port)
        assert verifying.run(archive.port).state == "done"
    assert "it does not offer queries" in verifying.delivery.row.detail


def test_one_that_is_down_is_asked_again(verifying: Verifying) -> None:
    port = free_port()
    verifying.plan(port)
    assert verifying.run(port).state == "waiting"
    assert verifying.delivery.state() == "sent"


def test_where_storage_commitment_is_offered_it_is_asked_for_first(verifying: Verifying) -> None:
    verifying.committed = True
    with committing_archive(reports=False) as archive:
        assert verifying.plan(archive.port).due_at <= now_utc()
        assert verifying.run(archive.port).state == "waiting"
        assert len(archive.requests) == 1
    with querying_archive(listing(RESULT_UID)) as silent:
        verifying.run(silent.port)
    assert verifying.delivery.row.detail == f"pacs {LISTED}"


def test_where_it_is_not_offered_the_query_follows_soon_and_next_time_at_once(verifying: Verifying) -> None:
    verifying.committed = True
    with scripted_archive() as archive:
        verifying.plan(archive.port)
        job = verifying.run(archive.port)
    assert (job.state, job.error) == ("waiting", NOT_OFFERED)
    assert job.due_at - now_utc() <= timedelta(seconds=30)
    with verifying.ledger.transaction() as tx:
        tx.connection.exec_driver_sql(f"DELETE FROM hilum_job WHERE job_id = '{JOB}'")
    with querying_archive(listing(RESULT_UID)) as archive:
        verifying.plan(archive.port)
        verifying.run(archive.port)
    assert verifying.delivery.state() == "committed"
