"""When a study is reported, by which of its jobs, and over which images: decided once, however jobs interleave."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converter.package.concept import Concept
from converter.result.findings import Finding
from scp_node.engine.jobs import JobQueue
from scp_node.inference.loaded_models import LoadedModels
from scp_node.ledger import Analysis, JobRow, Ledger
from scp_node.ledger.records import now_utc
from scp_node.settings import Inference, Settings
from scp_node.storage.spool import Spool
from scp_node.workflow.report_plan import last_arrival_of, plan_forgotten_reports, plan_report
from scp_node.workflow.services import Services
from scp_node.workflow.step_log import StepLog
from scp_node.workflow.study_job import StudyCase, gather_images, wait_until_quiet
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
        found = Finding("pneumonia", PNEUMONIA, 0.9, 0.5, True, None)
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
            )
            plan_report(tx, self.services, STUDY)

    def study_jobs(self) -> list[JobRow]:
        with self.ledger.reading() as tx:
            return [job for job in tx.jobs.of_study(STUDY) if job.kind == "study"]

    def begin(self, job: JobRow) -> StudyCase:
        """Run the deciding steps of a study job."""
        route = self.services.route("chest")
        assert route is not None
        with self.ledger.reading() as tx:
            current = tx.jobs.get(job.job_id)
        assert current is not None
        job = current if current.state == "running" else claimed(self.ledger, current)
        case = StudyCase(job, StepLog(STUDY, STUDY), route)
        for step in (wait_until_quiet, gather_images):
            if not case.over:
                step(case, self.services)
        return case

    def close(self, case: StudyCase) -> None:
        assert case.report is not None
        with self.ledger.transaction() as tx:
            tx.reports.close(case.report, [], ["pacs"])
            plan_report(tx, self.services, STUDY, cause=f"after-{case.report.revision}")
            self.jobs.finish(tx, case.job)


@pytest.fixture
def studies(tmp_path: Path) -> Iterator[Studies]:
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
    one = Studies(ledger, jobs, Services(settings, ledger, jobs, spool, unused, models, unused, unused))
    yield one
    models.close()
    ledger.engine.dispose()


def test_two_jobs_of_one_study_make_one_report(studies: Studies) -> None:
    studies.judge(1)
    studies.judge(2)
    first, second = studies.study_jobs()
    winner, loser = studies.begin(first), studies.begin(second)
    assert winner.report is not None and winner.report.instances == [f"{STUDY}.1", f"{STUDY}.2"]
    assert loser.over and loser.report is None
    studies.close(winner)
    assert studies.begin(second).over
    with studies.ledger.reading() as tx:
        assert len(tx.reports.of_study(STUDY)) == 1
        assert tx.instances.routes_to_report() == []


def test_an_image_that_comes_while_a_report_is_built_gets_the_next_revision(studies: Studies) -> None:
    studies.judge(1)
    building = studies.begin(studies.study_jobs()[0])
    studies.judge(2)
    assert studies.begin(studies.study_jobs()[1]).over
    studies.close(building)
    follower = studies.begin(studies.study_jobs()[-1])
    assert follower.report is not None and follower.report.revision == 2
    assert follower.report.instances == [f"{STUDY}.1", f"{STUDY}.2"]


def test_a_second_run_of_a_job_covers_what_the_first_did(studies: Studies) -> None:
    studies.judge(1)
    job = studies.study_jobs()[0]
    first = studies.begin(job)
    studies.judge(2)
    again = studies.begin(job)
    assert again.report == first.report and len(again.covered) == 1


def test_a_report_whose_job_died_holds_up_no_other(studies: Studies) -> None:
    studies.judge(1)
    dead = studies.begin(studies.study_jobs()[0])
    with studies.ledger.transaction() as tx:
        studies.jobs.bury(tx, dead.job, "unexpected")
    studies.judge(2)
    assert studies.begin(studies.study_jobs()[-1]).report is not None


def test_while_an_image_is_analysed_a_study_is_not_quiet(studies: Studies) -> None:
    studies.report = {"quiet_period_s": 0.001}
    studies.judge(1)
    with studies.ledger.transaction() as tx:
        tx.instances.add(received(2))
    assert studies.begin(studies.study_jobs()[0]).over
    studies.finish(2, "declined")
    report = studies.begin(studies.study_jobs()[-1]).report
    assert report is not None and len(report.instances) == 2


def test_images_of_an_earlier_model_are_analysed_anew_before_they_are_reported(studies: Studies) -> None:
    studies.judge(1, model="tiny@0.9.0")
    case = studies.begin(studies.study_jobs()[0])
    assert case.over and case.report is None
    with studies.ledger.reading() as tx:
        assert tx.instances.get(f"{STUDY}.1").state == "received"
        assert tx.instances.analysis(f"{STUDY}.1") is None
        renewed = [job for job in tx.jobs.of_study(STUDY) if job.kind == "image"]
    assert len(renewed) == 1
    studies.finish(1)
    assert studies.begin(studies.study_jobs()[-1]).report is not None


def test_a_study_without_analysed_images_is_settled_once_where_such_reports_are_off(studies: Studies) -> None:
    studies.report = {"quiet_period_s": 0, "when_all_declined": "omit"}
    studies.judge(1, "declined")
    assert studies.begin(studies.study_jobs()[0]).over
    with studies.ledger.transaction() as tx:
        studies.jobs.finish(tx, studies.study_jobs()[0])
        assert tx.instances.routes_to_report() == []


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


@pytest.mark.parametrize(
    ("ages_s", "expected"),
    [((10, 5), lambda now: now - timedelta(seconds=5)), ((5, -86400), lambda now: now - timedelta(seconds=5))],
)
def test_an_arrival_in_the_future_makes_nobody_wait(
    studies: Studies, ages_s: tuple[int, ...], expected: Callable[[Any], Any]
) -> None:
    now = now_utc()
    with studies.ledger.transaction() as tx:
        for number, age_s in enumerate(ages_s, 1):
            record = received(number)
            tx.instances.add(type(record)(**{**vars(record), "received_at": now - timedelta(seconds=age_s)}))
        assert last_arrival_of(tx.instances.of_study(STUDY)) == expected(now)
