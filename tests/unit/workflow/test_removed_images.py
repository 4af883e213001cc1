"""What the jobs of a study do when the files of its images were removed: what is there is reported, and all is said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest

from converter.result.patient import Patient
from scp_node.cli.explain import explanation
from scp_node.engine.runner import JobRunner, JobWork
from scp_node.errors import Removed
from scp_node.ledger import ResultRow
from scp_node.ledger.records import now_utc
from scp_node.monitoring.reproduce import ReproductionSource, overall, reproduce
from scp_node.retention.files import unlink_marked
from scp_node.storage.spool import Spool
from scp_node.workflow.job_kinds import study_job
from scp_node.workflow.job_subjects import retry_job
from scp_node.workflow.services import Services
from scp_node.workflow.study_job import bury_study, run_study_job
from tests.support.dicom.phantoms import make_dx
from tests.support.ledger.ledgers import claimed
from tests.support.ledger.studies import SETTINGS, report_study, worker_services
from tests.support.ledger.work import default_retries

STUDY = "1.2.3.1"


@pytest.fixture
def services(database: str, tmp_path: Path) -> Iterator[Services]:
    """A study of two films, reported."""
    with worker_services(tmp_path) as one:
        report_study(one, 1, make_dx(seed=1), make_dx(seed=2))
        yield one


def remove(services: Services, *, images: bool = True, results: bool = False) -> None:
    with services.ledger.transaction() as tx:
        if images:
            tx.removals.mark_images(STUDY, "age", now_utc())
        if results:
            tx.removals.mark_results(STUDY, "age", now_utc())
    assert isinstance(services.spool, Spool)
    unlink_marked(services.ledger, services.spool, services.previews)


def reports(services: Services) -> list[list[ResultRow]]:
    with services.ledger.reading() as tx:
        return [tx.results.of_report(report.id) for report in tx.reports.of_study(STUDY)]


def verdicts(services: Services, result: ResultRow) -> tuple[str, str]:
    source = ReproductionSource(SETTINGS, services.ledger, services.spool, services.models, services.decode_pool)
    checks = list(reproduce(source, result.sop_instance_uid))
    return overall(checks), " ".join(check.detail for check in checks)


def test_a_late_image_is_reported_without_those_that_were_removed_and_says_so(services: Services) -> None:
    remove(services, results=True)
    report_study(services, 1, make_dx(seed=3), first=3)
    first, second = reports(services)
    with services.ledger.reading() as tx:
        report = tx.reports.of_study(STUDY)[1]
        assert (report.instances, report.gone) == ([f"{STUDY}.3"], [f"{STUDY}.1", f"{STUDY}.2"])
        assert not any(one.covered is False for one in tx.instances.of_study(STUDY))
    (sr,) = (one for one in second if one.kind == "sr")
    ds = pydicom.dcmread(services.spool.path(sr.spool_name))
    text = str(ds.to_json_dict())
    assert "2 earlier images of this study are not part of this report" in text
    before = next(one for one in first if one.kind == "sr")
    assert before.sop_instance_uid in text, "the report before is its predecessor"
    assert verdicts(services, sr)[0] == "same"
    assert verdicts(services, before) == ("unknown", verdicts(services, before)[1])
    assert "removed by retention" in verdicts(services, before)[1]


def test_removed_images_still_decide_whose_study_it_is(services: Services) -> None:
    remove(services)
    ds = make_dx(seed=3)
    report_study(services, 1, ds, first=3)
    assert len(reports(services)) == 2
    with services.ledger.transaction() as tx:
        tx.versions.name_patient(f"{STUDY}.3", 1, Patient("SOMEBODY ELSE"))
        tx.instances.uncover(STUDY, "chest")
    with services.ledger.transaction() as tx:
        job = study_job(STUDY, "chest", tx.jobs.count_reports(STUDY, "chest"), now_utc())
        services.jobs.put(tx, job)
    run_study_job(services, claimed(services.ledger, job.job_id))
    assert len(reports(services)) == 2, "no report on somebody else in the name of the study"
    with services.ledger.reading() as tx:
        assert tx.instances.get(f"{STUDY}.3").decline_code == "other-patient"


def test_heat_maps_that_were_removed_are_drawn_again_for_a_new_report(services: Services) -> None:
    remove(services, images=False, results=True)
    report_study(services, 1, make_dx(seed=3), first=3)
    with services.ledger.reading() as tx:
        (report,) = [one for one in tx.reports.of_study(STUDY) if one.revision == 2]
        assert len(report.instances) == 3 and report.gone == []
    drawn = [one for results in reports(services) for one in results if one.kind == "heatmap"]
    assert drawn and all(one.removed_at is None and services.spool.path(one.spool_name).exists() for one in drawn)


def test_what_was_removed_cannot_be_retried_and_the_answer_says_when_it_went(services: Services) -> None:
    with services.ledger.transaction() as tx:
        jobs = {job.kind: job for job in tx.jobs.of_study(STUDY)}
        dead = (jobs["image"].job_id, jobs["delivery"].job_id)
        for job_id in dead:
            tx.jobs.update(job_id, state="dead")
    remove(services, results=True)
    for job_id in dead:
        with (
            pytest.raises(Removed, match=r"removed by retention on \d{4}-\d\d-\d\d"),
            services.ledger.transaction() as tx,
        ):
            retry_job(tx, job_id)
    assert any("removed by retention" in line for line in explanation(services.ledger, STUDY))


def test_a_report_that_has_nothing_left_to_say_is_a_dead_letter_that_says_why(services: Services) -> None:
    remove(services)
    with services.ledger.transaction() as tx:
        tx.instances.uncover(STUDY, "chest")
        job = next(one for one in tx.jobs.of_study(STUDY) if one.kind == "study")
        tx.jobs.update(job.job_id, state="queued")
        tx.connection.exec_driver_sql("DELETE FROM hilum_delivery")
        tx.connection.exec_driver_sql("DELETE FROM hilum_result")
        tx.connection.exec_driver_sql("DELETE FROM hilum_report")
    works = {"study": JobWork(lambda one: run_study_job(services, one), lambda *a: bury_study(services, *a))}
    runner = JobRunner(services.ledger, services.jobs, works, default_retries)  # type: ignore[arg-type]
    runner.run(claimed(services.ledger, job.job_id))
    with services.ledger.reading() as tx:
        ended = tx.jobs.get(job.job_id)
    assert ended is not None and ended.state == "dead" and ended.error.startswith("removed: its file was removed")
