"""How long work has been due is counted for each queue, and an empty queue has an age of nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scp_node.ledger import Ledger
from scp_node.ledger.records import NewJob, now_utc
from scp_node.telemetry import metrics
from scp_node.web.database_watch import DatabaseWatch


def age(queue: str) -> float | None:
    return metrics.WEB.get_sample_value("hilum_queue_age_seconds", {"queue": queue})


def test_the_oldest_job_of_a_queue_makes_its_age(ledger: Ledger) -> None:
    now = now_utc()
    dues = {"images": (30, 10), "deliver-archive": (100,), "studies": (-60,)}
    with ledger.transaction() as tx:
        for queue, ages in dues.items():
            for number, due_s in enumerate(ages):
                job_id = f"{queue}:{number}"
                tx.jobs.add(NewJob(job_id, "image", "1.2.3", "1.2", queue, now - timedelta(seconds=due_s)))
        assert tx.jobs.oldest_due().keys() == dues.keys()
    watch = DatabaseWatch(ledger)
    watch.look()
    assert age("images") == pytest.approx(30, abs=5)
    assert age("deliver-archive") == pytest.approx(100, abs=5)
    assert age("studies") == 0  # not due yet
    with ledger.transaction() as tx:
        for job_id in ("images:0", "images:1"):
            tx.jobs.update(job_id, state="done")
    watch.look()
    assert age("images") == 0


def test_how_long_each_host_is_silent_is_counted(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        tx.hosts.enter("ward-1", "worker", "ward", "1.0.0")
        tx.hosts.enter("cellar-1", "worker", "cellar", "1.0.0")
    watch = DatabaseWatch(ledger)
    watch.look()
    assert silence("ward") == pytest.approx(0, abs=5)
    with ledger.transaction() as tx:
        tx.hosts.leave("ward-1", "worker")
    watch.look()
    assert silence("ward") is None and silence("cellar") is not None


def silence(host_id: str) -> float | None:
    return metrics.WEB.get_sample_value("hilum_host_silent_seconds", {"host_id": host_id, "role": "worker"})
