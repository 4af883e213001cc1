"""Of a study of which anything is still to be done, nothing goes; of all others what is old goes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scp_node.ledger.records import LIVE_JOBS
from scp_node.retention.files import unlink_marked
from scp_node.retention.sweep import Sweep
from scp_node.settings import Retention
from scp_node.storage.previews import PreviewStore
from scp_node.storage.spool import Spool
from tests.support.ledger.done_studies import MadeDelivery, MadeImage, MadeJob, make_study
from tests.support.ledger.ledgers import new_ledger
from tests.unit.retention.conftest import DAY, NOW

IMAGES_DAYS, RESULTS_DAYS, DEAD_DAYS = 30, 60, 180
# On both sides of both limits.
MOMENTS = st.sampled_from([NOW - days * DAY for days in (0.01, 29.9, 30.1, 100, 179.9, 180.1, 500)])
IMAGES = st.builds(
    MadeImage,
    MOMENTS,
    st.sampled_from(["received", "declined", "quarantined", "inferred", "reported"]),
    st.booleans(),
    st.booleans(),
)
JOBS = st.builds(
    MadeJob,
    MOMENTS,
    st.sampled_from(["image", "study", "delivery", "commitment", "shadow"]),
    st.sampled_from(["queued", "running", "waiting", "done", "done", "done", "dead"]),
)
DELIVERIES = st.builds(
    MadeDelivery, MOMENTS, st.sampled_from(["queued", "sent", "committed", "committed", "failed", "dead"])
)


@dataclass(frozen=True)
class Case:
    images: list[MadeImage]
    jobs: list[MadeJob]
    deliveries: list[MadeDelivery]

    @property
    def work(self) -> list[MadeJob | MadeDelivery]:
        return [*self.jobs, *self.deliveries]


CASES = st.builds(
    Case, st.lists(IMAGES, min_size=1, max_size=3), st.lists(JOBS, max_size=4), st.lists(DELIVERIES, max_size=3)
)


def stays(case: Case, days: float | None) -> bool:
    """The rule in words of its own. `days`: since all was done, None where the disk is full."""
    given_up = any(job.kind == "study" and job.state == "dead" for job in case.jobs)
    moments = [one.came_at for one in case.images] + [one.at for one in case.work]
    return (
        any(one.state == "received" for one in case.images)
        or any(one.reportable and not one.covered and not given_up for one in case.images)
        or any(job.state in LIVE_JOBS for job in case.jobs)
        or any(one.state in ("queued", "failed") for one in case.deliveries)
        or any(one.state == "dead" and NOW - one.at < DEAD_DAYS * DAY for one in case.work)
        or (days is not None and any(NOW - moment < days * DAY for moment in moments))
    )


class Node:
    """What a node keeps; emptied after each example."""

    def __init__(self, folder: Path) -> None:
        self.ledger, self.spool = new_ledger(folder), Spool(folder / "spool")
        self.previews = PreviewStore(folder / "previews")

    @contextmanager
    def with_studies(self, cases: list[Case]) -> Iterator[list[str]]:
        with self.ledger.transaction() as tx:
            made = [
                make_study(tx, self.spool, number, case.images, case.jobs, case.deliveries)
                for number, case in enumerate(cases)
            ]
        try:
            yield made
        finally:
            with self.ledger.transaction() as tx:
                for uid in made:
                    tx.removals.drop_study(uid, "erased", NOW)
            unlink_marked(self.ledger, self.spool, self.previews)

    def sweep(self, kept: Retention) -> None:
        Sweep(self.ledger, self.spool, self.previews, lambda: kept, lambda: NOW).sweep()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    one = Node(tmp_path_factory.mktemp("node"))
    yield one
    one.ledger.engine.dispose()


@settings(max_examples=40, deadline=None)
@given(cases=st.lists(CASES, min_size=1, max_size=8), makes_room=st.booleans())
def test_what_is_not_done_never_goes_and_what_is_old_does(node: Node, cases: list[Case], makes_room: bool) -> None:
    kept = Retention(
        images_days=IMAGES_DAYS,
        results_days=RESULTS_DAYS,
        studies_days=None,
        dead_letters_days=DEAD_DAYS,
        makes_room=makes_room,
        makes_room_percent_min=1e-9,  # every disk is nearly full
    )
    with node.with_studies(cases) as uids:
        node.sweep(kept)
        with node.ledger.reading() as tx:
            assert tx.removals.count_waiting() == 0
            for uid, case in zip(uids, cases, strict=True):
                results = [one for report in tx.reports.of_study(uid) for one in tx.results.of_report(report.id)]
                for rows, days in ((tx.instances.of_study(uid), IMAGES_DAYS), (results, RESULTS_DAYS)):
                    expected = stays(case, None if makes_room else days)
                    for row in rows:
                        assert (row.removed_at is None) == expected == node.spool.holds(row.spool_name), case


@settings(max_examples=20, deadline=None)
@given(cases=st.lists(CASES, min_size=1, max_size=8))
def test_rows_of_a_study_go_all_together_or_stay(node: Node, cases: list[Case]) -> None:
    kept = Retention(images_days=100, results_days=100, studies_days=100, dead_letters_days=None, makes_room=False)
    with node.with_studies(cases) as uids:
        node.sweep(kept)
        with node.ledger.reading() as tx:
            for uid, case in zip(uids, cases, strict=True):
                given_up = any(one.state == "dead" for one in case.work)
                expected = stays(case, 100) or given_up
                assert bool(tx.studies.matching(uid)) == expected, case
                left = [of.of_study(uid) for of in (tx.instances, tx.jobs, tx.events, tx.reports)]
                assert expected or not any(left)
