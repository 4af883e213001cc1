"""A study is reported anew, sent to one more archive, or tried again, and every act is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from scp_node.engine.wakeup import Waker
from scp_node.errors import NothingFound, Removed, UsageError
from scp_node.ledger import Ledger
from scp_node.ledger import tables as t
from scp_node.ledger.records import now_utc
from scp_node.operations.acts import Act
from scp_node.operations.studies import report_anew, retry_study, send_results
from scp_node.settings import Settings
from scp_node.workflow.job_kinds import STUDIES_QUEUE, study_job
from scp_node.workflow.services import Services
from scp_node.workflow.study_job import run_study_job
from tests.support.dicom.phantoms import make_dx
from tests.support.ledger.ledgers import claimed
from tests.support.ledger.studies import SETTINGS, pending, report_study, worker_services
from tests.unit.operations.recorder import operator_and_acts

NOBODY = Waker(Path("/nonexistent/worker.wakeup"))
STUDY = "1.2.3.1"
VIEWER = {"viewer": {"ae_title": "VIEWER", "host": "127.0.0.1", "port": 105}}
MORE = Settings.model_validate(
    {
        **SETTINGS.model_dump(by_alias=True, exclude_unset=True),
        "remote_aes": {**SETTINGS.model_dump(by_alias=True, exclude_unset=True)["remote_aes"], **VIEWER},
    }
)


@pytest.fixture
def services(database: str, tmp_path: Path) -> Iterator[Services]:
    with worker_services(tmp_path) as one:
        yield one


def revisions(ledger: Ledger) -> list[int]:
    with ledger.reading() as tx:
        return [report.revision for report in tx.reports.of_study(STUDY) if report.built_at is not None]


def deliveries(ledger: Ledger) -> dict[tuple[str, str], str]:
    """State by kind of result and destination, of the last result of each kind."""
    with ledger.reading() as tx:
        rows = tx.connection.execute(
            sa.select(t.result.c.kind, t.delivery.c.destination, t.delivery.c.state)
            .join(t.delivery, t.delivery.c.result_uid == t.result.c.sop_instance_uid)
            .order_by(t.delivery.c.id)
        )
        return {(row.kind, row.destination): row.state for row in rows}


def end_deliveries(ledger: Ledger) -> None:
    """As if every result had been sent."""
    with ledger.transaction() as tx:
        tx.connection.execute(sa.update(t.delivery).values(state="sent"))
        tx.connection.execute(sa.update(t.job).where(t.job.c.kind == "delivery").values(state="done"))


def test_a_study_is_reported_anew_as_another_revision(services: Services) -> None:
    report_study(services, 1, make_dx())
    anna, acts = operator_and_acts()
    act, count = report_anew(services.ledger, NOBODY, SETTINGS, STUDY, anna)
    assert count == 1 and acts == [act] == [Act("report-anew", "study", STUDY, "anna", "done")]
    (job,) = pending(services.ledger, STUDIES_QUEUE)
    run_study_job(services, claimed(services.ledger, job))
    assert revisions(services.ledger) == [1, 2]
    with services.ledger.reading() as tx:
        assert [image.state for image in tx.instances.of_study(STUDY)] == ["reported"]


def test_asked_twice_it_is_reported_once(services: Services) -> None:
    report_study(services, 1, make_dx())
    for _ in range(2):
        report_anew(services.ledger, NOBODY, SETTINGS, STUDY, operator_and_acts()[0])
    assert len(pending(services.ledger, STUDIES_QUEUE)) == 1


def test_while_a_report_is_built_another_one_is_refused_and_not_lost(services: Services) -> None:
    report_study(services, 1, make_dx())
    with services.ledger.transaction() as tx:
        tx.jobs.add(study_job(STUDY, "chest", 7, now_utc()))
        job_id = study_job(STUDY, "chest", 7, now_utc()).job_id
        tx.jobs.update(job_id, state="running")
        tx.reports.open(STUDY, "chest", job_id, "tiny@1.0.0", ["1.2.3.1.1"])
    anna, acts = operator_and_acts()
    with pytest.raises(UsageError, match="being built at this moment"):
        report_anew(services.ledger, NOBODY, SETTINGS, STUDY, anna)
    assert [act.outcome for act in acts] == ["refused"]


def test_a_report_that_would_be_omitted_is_refused(services: Services) -> None:
    report_study(services, 1, make_dx())
    omit = SETTINGS.model_copy(update={"report": SETTINGS.report.model_copy(update={"when_all_declined": "omit"})})
    with services.ledger.transaction() as tx:
        tx.connection.execute(sa.update(t.instance).values(state="declined", decline_code="not-frontal"))
    with pytest.raises(UsageError, match=r"report\.when_all_declined"):
        report_anew(services.ledger, NOBODY, omit, STUDY, operator_and_acts()[0])
    assert report_anew(services.ledger, NOBODY, SETTINGS, STUDY, operator_and_acts()[0])[1] == 1


def test_what_was_never_judged_is_not_reported(services: Services) -> None:
    anna, acts = operator_and_acts()
    with pytest.raises(NothingFound):
        report_anew(services.ledger, NOBODY, SETTINGS, STUDY, anna)
    assert [act.outcome for act in acts] == ["refused"]


def test_what_retention_has_removed_is_not_reported(services: Services) -> None:
    report_study(services, 1, make_dx())
    with services.ledger.transaction() as tx:
        tx.removals.mark_images(STUDY, "age", now_utc())
    with pytest.raises(Removed):
        report_anew(services.ledger, NOBODY, SETTINGS, STUDY, operator_and_acts()[0])
    assert pending(services.ledger, STUDIES_QUEUE) == []


def test_results_go_to_one_more_archive(services: Services) -> None:
    results = report_study(services, 1, make_dx())
    anna, acts = operator_and_acts()
    _, count = send_results(services.ledger, NOBODY, MORE, STUDY, "viewer", anna)
    assert count == len(results)
    assert {state for (_, name), state in deliveries(services.ledger).items() if name == "viewer"} == {"queued"}
    assert len(pending(services.ledger, "deliver-viewer")) == len(results)
    assert acts == [Act("send-results", "study", STUDY, "anna", "done", "to viewer")]


def test_results_that_were_sent_are_sent_again_and_those_on_their_way_are_not(services: Services) -> None:
    results = report_study(services, 1, make_dx())
    anna, _ = operator_and_acts()
    assert send_results(services.ledger, NOBODY, SETTINGS, STUDY, "pacs", anna)[1] == 0
    end_deliveries(services.ledger)
    assert send_results(services.ledger, NOBODY, SETTINGS, STUDY, "pacs", anna)[1] == len(results)
    assert set(deliveries(services.ledger).values()) == {"queued"}


def test_a_later_report_goes_with_the_heat_maps_that_an_earlier_one_had_made(services: Services) -> None:
    report_study(services, 1, make_dx())
    report_anew(services.ledger, NOBODY, SETTINGS, STUDY, operator_and_acts()[0])
    (job,) = pending(services.ledger, STUDIES_QUEUE)
    run_study_job(services, claimed(services.ledger, job))
    _, count = send_results(services.ledger, NOBODY, MORE, STUDY, "viewer", operator_and_acts()[0])
    sent = [kind for kind, name in deliveries(services.ledger) if name == "viewer"]
    assert count == 2 and sorted(sent) == ["heatmap", "sr"]


def test_results_go_nowhere_unknown(services: Services) -> None:
    report_study(services, 1, make_dx())
    with pytest.raises(UsageError, match="no remote AE is called 'elsewhere'"):
        send_results(services.ledger, NOBODY, SETTINGS, STUDY, "elsewhere", operator_and_acts()[0])
    with pytest.raises(NothingFound):
        send_results(services.ledger, NOBODY, SETTINGS, "9.9", "pacs", operator_and_acts()[0])


def test_the_dead_jobs_of_a_study_are_tried_again_and_no_others(services: Services) -> None:
    for study in (1, 2):
        report_study(services, study, make_dx())
    with services.ledger.transaction() as tx:
        tx.connection.execute(sa.update(t.job).where(t.job.c.kind == "delivery").values(state="dead"))
    acts = retry_study(services.ledger, NOBODY, STUDY, operator_and_acts()[0])
    assert len(acts) == 2 and {act.outcome for act in acts} == {"done"}
    with services.ledger.reading() as tx:
        states = {job.study_instance_uid: job.state for job in tx.jobs.in_states(("dead", "waiting"), 10)}
    assert states == {"1.2.3.1": "waiting", "1.2.3.2": "dead"}
    with pytest.raises(NothingFound):
        retry_study(services.ledger, NOBODY, STUDY, operator_and_acts()[0])
