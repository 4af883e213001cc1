"""When a study is reported, by which of its jobs, and over which images: decided once, however jobs interleave."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converter.package.concept import Concept
from converter.result.findings import Finding
from scp_node.decode.pool import DecodePool
from scp_node.engine.jobs import JobQueue
from scp_node.inference.loaded_models import LoadedModels
from scp_node.ledger import Analysis, JobRow, Ledger
from scp_node.ledger.records import now_utc
from scp_node.settings import Inference, Settings
from scp_node.storage.spool import Spool
from scp_node.workflow.report_plan import LOOK_AGAIN_S, plan_forgotten_reports, plan_report, quiet_at
from scp_node.workflow.services import Services
from scp_node.workflow.step_log import StepLog
from scp_node.workflow.study_job import StudyCase, end_early, gather_images, hand_to_delivery, wait_until_quiet
from tests.support.checkout import GOLDEN
from tests.support.ledger.ledgers import claimed, new_ledger, received

PNEUMONIA = Concept(value="233604007", scheme="SCT", meaning="Pneumonia")
STUDY = "1.2.3.1"


@dataclass
class Studies:
    """A ledger with one study of route `chest`, and the services that deciding on its report needs."""

    ledger: Ledger
    jobs: JobQueue
    services: Services
    report: dict[str, Any] = field(default_factory=lambda: {"quiet_period_s": 0})

    def judge(self, number: int, state: str = "inferred", model: str = "tiny@1.0.0") -> None:
        """Receive and judge image `number`, as its image job would."""
        with self.ledger.transaction() as tx:
            tx.instances.add(received(number))
        self.finish(number, state, model)

    def finish(self, number: int, state: str = "inferred", model: str = "tiny@1.0.0") -> None:
        found = Finding("pneumonia", PNEUMONIA, 0.9, 0.5, True)
        cam = np.zeros((1, 4, 4), np.float32)
        analysis = Analysis(cam, np.eye(2, 3), (100, 100), "cpu", (found,)) if state == "inferred" else None
        code = None if state == "inferred" else "not-frontal"
        with self.ledger.transaction() as tx:
            tx.instances.finish(
                f"{STUDY}.{number}",
                state,  # type: ignore[arg-type]
                route="chest",
                model=model,
                reportable=True,
                decline_code=code,
                analysis=analysis,
                version=tx.instances.get(f"{STUDY}.{number}").version,
            )
            plan_report(tx, self.services, STUDY, "chest")

    def study_jobs(self) -> list[JobRow]:
        with self.ledger.reading() as tx:
            return [job for job in tx.jobs.of_study(STUDY) if job.kind == "study"]

    def pending_job(self) -> JobRow:
        """The one job that is to report the study."""
        with self.ledger.reading() as tx:
            (job,) = tx.jobs.pending_reports(STUDY)
        return job

    def begin(self, job: JobRow | None = None) -> StudyCase:
        """Run the deciding steps of a study job, as far as they go: by default of the one that waits."""
        job = job or self.pending_job()
        route = self.services.route("chest")
        assert route is not None
        with self.ledger.reading() as tx:
            current = tx.jobs.get(job.job_id)
        assert current is not None
        job = current if current.state == "running" else claimed(self.ledger, current)
        case = StudyCase(job, StepLog(STUDY, STUDY), route)
        for step in (wait_until_quiet, gather_images):
            if not case.over:
                with case.log.step(step.__name__):
                    step(case, self.services)
        if case.over:
            end_early(case, self.services)
        return case

    def close(self, case: StudyCase) -> None:
        assert case.report is not None
        with self.ledger.transaction() as tx:
            tx.reports.close(case.report, [], ["pacs"])
            self.jobs.finish(tx, case.job)
            plan_report(tx, self.services, STUDY, "chest")


@pytest.fixture(scope="module")
def pool() -> Iterator[DecodePool]:
    with closing(DecodePool(1)) as one:
        yield one


@pytest.fixture
def studies(database: str, tmp_path: Path, pool: DecodePool) -> Iterator[Studies]:
    ledger = new_ledger(tmp_path)
    jobs = JobQueue()
    models = LoadedModels(GOLDEN, Inference(providers=["cpu"]))
    unused: Any = None

    def settings() -> Settings:
        return Settings.model_validate(
            {
                "node": {"ae_title": "HILUM"},
                "remote_aes": {"pacs": {"ae_title": "PACS", "host": "127.0.0.1", "port": 104, "may_send": True}},
                "routes": [{"name": "chest", "model": "tiny", "to": ["pacs"]}],
                "report": one.report,
            }
        )

    spool = Spool(tmp_path / "spool")
    one = Studies(ledger, jobs, Services(settings, ledger, jobs, spool, unused, models, pool, unused))
    yield one
    models.close()
    ledger.engine.dispose()


def test_many_images_of_a_study_have_one_job(studies: Studies) -> None:
    for number in range(1, 6):
        studies.judge(number)
    assert len(studies.study_jobs()) == 1
    report = studies.begin().report
    assert report is not None and len(report.instances) == 5


def test_an_image_that_comes_while_a_report_is_built_gets_the_next_revision(studies: Studies) -> None:
    studies.judge(1)
    building = studies.begin()
    studies.judge(2)
    studies.judge(3)
    early = studies.begin()
    assert early.over and early.report is None
    assert studies.pending_job().due_at > now_utc(), "it comes back when the other is done"
    studies.close(building)
    assert studies.pending_job().due_at <= now_utc()
    follower = studies.begin()
    assert follower.report is not None and follower.report.revision == 2
    assert follower.report.instances == [f"{STUDY}.1", f"{STUDY}.2", f"{STUDY}.3"]
    assert len(studies.study_jobs()) == 2


def test_a_report_is_left_when_other_bytes_of_its_image_come_while_it_is_built(studies: Studies) -> None:
    studies.judge(1)
    building = studies.begin()
    assert building.report is not None
    with studies.ledger.transaction() as tx:
        assert tx.versions.make_current(replace(received(1), digest="f" * 32)) == "changed"
    hand_to_delivery(building, studies.services)
    assert building.over and building.report is not None
    end_early(building, studies.services)
    with studies.ledger.reading() as tx:
        (left,) = tx.reports.of_study(STUDY)
        assert left.abandoned_at is not None and tx.results.of_report(left.id) == []
    studies.finish(1)
    report = studies.begin().report
    assert report is not None and report.revision == 2 and report.version_of(f"{STUDY}.1") == 2


def test_after_the_last_report_there_is_nothing_to_do(studies: Studies) -> None:
    studies.judge(1)
    studies.close(studies.begin())
    with studies.ledger.reading() as tx:
        assert tx.jobs.pending_reports(STUDY) == []
        assert tx.instances.routes_to_report() == []


def test_a_second_run_of_a_job_covers_what_the_first_did(studies: Studies) -> None:
    studies.judge(1)
    job = studies.pending_job()
    first = studies.begin(job)
    studies.judge(2)
    again = studies.begin(job)
    assert again.report == first.report and len(again.covered) == 1


def test_a_report_whose_job_died_holds_up_no_other(studies: Studies) -> None:
    studies.judge(1)
    dead = studies.begin()
    with studies.ledger.transaction() as tx:
        studies.jobs.bury(tx, dead.job, "unexpected")
    studies.judge(2)
    assert studies.begin().report is not None


def test_a_report_that_waits_for_one_whose_job_died_is_made_all_the_same(studies: Studies) -> None:
    studies.judge(1)
    building = studies.begin()
    studies.judge(2)
    assert studies.begin().over
    with studies.ledger.transaction() as tx:
        studies.jobs.bury(tx, building.job, "unexpected")
    report = studies.begin().report
    assert report is not None and len(report.instances) == 2


def test_while_an_image_is_analysed_a_study_is_not_quiet(studies: Studies) -> None:
    studies.report = {"quiet_period_s": 0.001}
    studies.judge(1)
    with studies.ledger.transaction() as tx:
        tx.instances.add(received(2))
    assert studies.begin().over
    waiting = studies.pending_job()
    assert now_utc() < waiting.due_at <= now_utc() + timedelta(seconds=LOOK_AGAIN_S)
    studies.finish(2, "declined")
    assert studies.pending_job().due_at <= now_utc(), "the last image makes it due at once"
    report = studies.begin().report
    assert report is not None and len(report.instances) == 2


def test_coming_back_later_is_no_failure_however_often(studies: Studies) -> None:
    studies.report = {"quiet_period_s": 30}
    studies.judge(1)
    (job,) = studies.study_jobs()
    for _ in range(10):
        assert studies.begin(job).over
    (job,) = studies.study_jobs()
    assert (job.tries, job.postponed, job.attempt, job.state) == (1, 10, 11, "queued")
    with studies.ledger.reading() as tx:
        told = [event.step for event in tx.events.of_study(STUDY)]
    assert told.count("wait_until_quiet") == 1, "a wait is told once"


def test_images_of_an_earlier_model_are_analysed_anew_before_they_are_reported(studies: Studies) -> None:
    studies.judge(1, model="tiny@0.9.0")
    case = studies.begin()
    assert case.over and case.report is None
    with studies.ledger.reading() as tx:
        assert tx.instances.get(f"{STUDY}.1").state == "received"
        assert tx.instances.analysis(f"{STUDY}.1") is None
        renewed = [job for job in tx.jobs.of_study(STUDY) if job.kind == "image"]
    assert len(renewed) == 1
    studies.finish(1)
    assert studies.begin().report is not None


def test_a_study_without_analysed_images_is_settled_once_where_such_reports_are_off(studies: Studies) -> None:
    studies.report = {"quiet_period_s": 0, "when_all_declined": "omit"}
    studies.judge(1, "declined")
    assert studies.begin().over
    with studies.ledger.transaction() as tx:
        assert tx.instances.routes_to_report() == []
        assert tx.jobs.pending_reports(STUDY) == []


def test_a_report_waits_for_an_image_of_an_earlier_one_that_is_analysed_anew(studies: Studies) -> None:
    """Also without quiet period: a revision without that image would be the last word if its bytes change nothing."""
    first, second = f"{STUDY}.1", f"{STUDY}.2"
    studies.judge(1)
    studies.close(studies.begin())
    with studies.ledger.transaction() as tx:
        assert tx.versions.make_current(replace(received(1), digest="f" * 32)) == "changed"
    studies.judge(2)
    case = studies.begin()
    assert case.over and "analysed anew" in case.log.entries[-1].outcome
    waiting = studies.pending_job()
    with studies.ledger.transaction() as tx:
        assert tx.instances.stand(first, 2, "reported")
        plan_report(tx, studies.services, STUDY, "chest")
    assert studies.pending_job().due_at < waiting.due_at
    report = studies.begin().report
    assert report is not None and report.instances == [first, second]


def test_a_study_that_lost_all_its_images_ends_its_job(studies: Studies) -> None:
    studies.report = {"quiet_period_s": 0.001}
    studies.judge(1)
    moved = replace(received(1), study_instance_uid="1.2.4", digest="f" * 32)
    with studies.ledger.transaction() as tx:
        tx.versions.make_current(moved)
    assert studies.begin().over
    with studies.ledger.reading() as tx:
        assert tx.jobs.pending_reports(STUDY) == []


def test_a_report_that_was_forgotten_is_planned_once(studies: Studies) -> None:
    with studies.ledger.transaction() as tx:
        tx.instances.add(received(1))
    assert plan_forgotten_reports(studies.services) == 0
    with studies.ledger.transaction() as tx:
        tx.instances.finish(f"{STUDY}.1", "declined", route="chest", model="m", reportable=True)
    assert plan_forgotten_reports(studies.services) == 1
    assert plan_forgotten_reports(studies.services) == 0
    (job,) = studies.study_jobs()
    assert (job.state, job.subject) == ("queued", "chest")


@pytest.mark.parametrize("ages_s", [(10, 5), (5, -86400)])
def test_an_arrival_in_the_future_makes_nobody_wait(studies: Studies, ages_s: tuple[int, ...]) -> None:
    studies.report = {"quiet_period_s": 60}
    now = now_utc()
    with studies.ledger.transaction() as tx:
        for number, age_s in enumerate(ages_s, 1):
            tx.instances.add(replace(received(number), received_at=now - timedelta(seconds=age_s)))
            tx.instances.finish(f"{STUDY}.{number}", "declined", route="chest", model="m", reportable=True)
        assert quiet_at(tx, studies.services, STUDY) == now + timedelta(seconds=55)
