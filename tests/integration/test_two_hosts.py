"""Two hosts on one PostgreSQL and one spool: procrastinate dispatches, one of them dies, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from scp_node.deliver.result_objects import RESULT_CLASSES
from scp_node.ledger import Ledger
from scp_node.ledger import tables as t
from tests.support.dicom.phantoms import make_dx
from tests.support.node.node import RunningNode, kill_9
from tests.support.peers.archives import scripted_archive
from tests.support.peers.modality import store
from tests.support.peers.postgresql import Postgresql, start_postgresql
from tests.support.peers.program import running
from tests.support.waiting import until

STUDIES, LEASE_S = 12, 6.0


class WorkerHost(RunningNode):
    """A host with the spool of another one, which works and receives nothing."""

    only = ("worker",)

    def __init__(self, folder: Path, first: RunningNode, archives: dict[str, tuple[str, int]], **sections: Any) -> None:
        super().__init__(folder, archives, **sections)
        self.data_dir.mkdir(parents=True, mode=0o700)
        (self.data_dir / "spool").symlink_to(first.data_dir / "spool")


@pytest.fixture
def server() -> Iterator[Postgresql]:
    one = start_postgresql()
    yield one
    one.stop()


def count(ledger: Ledger, what: sa.Executable) -> int:
    with ledger.reading() as tx:
        return int(tx.connection.execute(what).scalar_one())


@pytest.mark.timeout(600)
def test_the_jobs_of_a_host_that_died_are_done_by_the_other_once(tmp_path: Path, server: Postgresql) -> None:
    sections: dict[str, Any] = {
        "storage": {"database_url": server.url(), "postgresql": {"engine": "procrastinate"}},
        "workers": {"lease_s": LEASE_S, "images": 2, "niceness": 0},
    }
    films = [make_dx(seed=seed) for seed in range(50, 50 + STUDIES)]
    for number, ds in enumerate(films):
        ds.AccessionNumber = f"A{number}"
    with ExitStack() as stack:
        archive = stack.enter_context(scripted_archive(classes=tuple(RESULT_CLASSES)))
        archives = {"pacs": ("ARCHIVE", archive.port)}
        first = stack.enter_context(running(RunningNode(tmp_path / "first", archives, **sections)))
        second = stack.enter_context(running(WorkerHost(tmp_path / "second", first, archives, **sections)))
        ledger = first.ledger()
        stack.callback(ledger.engine.dispose)
        assert store(first.port, films) == [0x0000] * STUDIES

        at_work = sa.select(sa.func.count(t.job.c.worker.distinct())).where(t.job.c.state == "running")
        until(lambda: count(ledger, at_work) == 2, "both hosts work", timeout_s=120)
        for pid in second.processes().values():
            kill_9(pid)
        results = sa.select(sa.func.count()).select_from(t.delivery)
        sent = results.where(t.delivery.c.state.in_(("sent", "committed")))
        until(
            lambda: count(ledger, sent) == 2 * STUDIES,
            lambda: f"{count(ledger, sent)} of {count(ledger, results)} results sent",
            timeout_s=300,
            pause_s=0.5,
        )
        reports = sa.select(sa.func.count()).select_from(t.report)
        assert count(ledger, reports) == STUDIES and count(ledger, results) == 2 * STUDIES
        assert len(archive.received) == 2 * STUDIES

        def unfinished() -> list[str]:
            with ledger.reading() as tx:
                return [f"{job.job_id}: {job.state}" for job in tx.jobs.in_states(("queued", "running", "dead"), 50)]

        until(lambda: unfinished() == [], unfinished, timeout_s=60)
        left = sa.text("SELECT count(*) FROM procrastinate_jobs WHERE scheduled_at < now()")
        until(lambda: count(ledger, left) == 0, "no ticket is left", timeout_s=60)
