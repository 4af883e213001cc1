"""What becomes of an image or a delivery when a person retries or cancels its job."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest

from scp_node.engine.jobs import JobQueue
from scp_node.errors import UsageError
from scp_node.intake.image_jobs import image_job
from scp_node.ledger import Ledger
from scp_node.ledger.records import JobKind, now_utc
from scp_node.workflow.job_kinds import delivery_queue
from scp_node.workflow.job_subjects import JOB_SUBJECTS, cancel_job, retry_job
from tests.support.ledger.ledgers import received
from tests.support.ledger.work import IMAGE_UID, STUDY_UID, enter_image, hold, state
from tests.support.peers.commitment import SentDelivery, sent_delivery


@pytest.fixture
def delivery(tmp_path: Path) -> Iterator[SentDelivery]:
    with sent_delivery(tmp_path) as one:
        yield one


def test_retrying_a_dead_image_job_reopens_its_image(ledger: Ledger) -> None:
    job_id = enter_image(ledger)
    with ledger.transaction() as tx:
        tx.jobs.update(job_id, state="dead")
        tx.instances.finish(IMAGE_UID, "quarantined", route="chest", model=None, reportable=True)
        tx.instances.cover([IMAGE_UID])
        assert retry_job(tx, job_id).job_id == job_id
        instance = tx.instances.get(IMAGE_UID)
    assert (instance.state, instance.covered, state(ledger, job_id)) == ("received", False, "waiting")


def test_a_cancelled_image_holds_up_nobody(ledger: Ledger) -> None:
    job_id = enter_image(ledger)
    with ledger.transaction() as tx:
        assert cancel_job(tx, job_id).job_id == job_id
        instance = tx.instances.get(IMAGE_UID)
        assert tx.instances.routes_to_report() == []
    assert (instance.state, instance.reportable) == ("quarantined", False) and state(ledger, job_id) == "dead"


def test_a_cancelled_version_in_another_study_leaves_the_first_study_to_be_reported_anew(
    ledger: Ledger,
) -> None:
    for number in (1, 2):
        enter_image(ledger, number)
    moved = replace(received(1), study_instance_uid="1.2.9", digest="f" * 32)
    with ledger.transaction() as tx:
        for uid in (IMAGE_UID, f"{STUDY_UID}.2"):
            tx.instances.finish(uid, "inferred", route="chest", model="tiny@1.0.0", reportable=True)
        tx.instances.cover([IMAGE_UID, f"{STUDY_UID}.2"])
        assert tx.versions.make_current(moved) == "changed"
        JobQueue().put(tx, image_job(moved, now_utc()))
        assert tx.instances.routes_to_report() == []
        cancel_job(tx, image_job(moved, now_utc()).job_id)
        assert tx.instances.routes_to_report() == [(STUDY_UID, "chest")]


def test_a_cancelled_delivery_is_dead_and_a_retried_one_has_all_its_time_again(delivery: SentDelivery) -> None:
    long_ago = now_utc() - timedelta(days=30)
    with delivery.ledger.transaction() as tx:
        tx.jobs.update("delivery:1", state="waiting")
        tx.deliveries.update(1, state="failed", created_at=long_ago, next_attempt_at=now_utc(), detail="no answer")
        cancel_job(tx, "delivery:1")
    row = delivery.row
    assert (row.state, row.next_attempt_at) == ("dead", None)
    assert row.detail == "cancelled by an administrator; last failure: no answer"
    with delivery.ledger.transaction() as tx:
        retry_job(tx, "delivery:1")
        (job,) = tx.jobs.pending(delivery_queue("pacs"), 10)
    row = delivery.row
    assert (row.state, job.state) == ("queued", "waiting") and row.created_at > long_ago + timedelta(days=29)


def test_a_job_that_runs_is_left_to_who_runs_it(ledger: Ledger) -> None:
    job_id = enter_image(ledger)
    hold(ledger, job_id, "worker")
    for act in (retry_job, cancel_job):
        with pytest.raises(UsageError, match="is running"), ledger.transaction() as tx:
            act(tx, job_id)
    with ledger.reading() as tx:
        assert tx.instances.get(IMAGE_UID).state == "received"


def test_every_kind_of_job_says_what_retry_and_cancel_mean() -> None:
    assert JOB_SUBJECTS.keys() == set(get_args(JobKind))


def test_retrying_and_cancelling_load_no_model_decoder_or_sender() -> None:
    program = "import scp_node.workflow.job_subjects, sys; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    loaded = set(result.stdout.split())
    heavy = {"scp_node.inference", "scp_node.decode", "scp_node.deliver", "onnxruntime", "cv2", "pynetdicom"}
    assert "scp_node.engine.jobs" in loaded and loaded & heavy == set()
