"""After an erasure nothing of the patient is left in the whole folder of the node, and nothing else is missing."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from scp_node.engine.jobs import JobQueue
from scp_node.engine.runner import JobRunner, JobWork
from scp_node.errors import NothingFound, StudyBusy, UsageError
from scp_node.ledger import EventRow, JobRow, Ledger
from scp_node.ledger import tables as t
from scp_node.ledger.records import now_utc
from scp_node.ledger.removal_records import ErasureRow
from scp_node.operations.erasure import erase
from scp_node.operations.erasure_subject import ErasurePlan, plan_of_patient, plan_of_studies
from scp_node.storage.previews import PreviewStore
from scp_node.storage.spool import Spool
from scp_node.workflow.image_job import run_image_job
from tests.support.dicom.phantoms import make_dx
from tests.support.ledger.ledgers import claimed, new_ledger, received
from tests.support.ledger.studies import report_study, worker_services
from tests.support.ledger.work import default_retries
from tests.unit.operations.recorder import operator_and_acts

ERASED, KEPT = 7341, 8452
STUDY = f"1.2.3.{ERASED}"
TRACES = [text.encode() for text in (STUDY, f"ACC{ERASED}", f"PHANTOM{ERASED}", "GOES^Anna")]


@dataclass
class Node:
    """What of a node an erasure touches."""

    folder: Path
    ledger: Ledger
    spool: Spool
    previews: PreviewStore


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two patients of one study each, reported, and all delivered."""
    folder = tmp_path_factory.mktemp("made")
    with worker_services(folder) as one:
        for study, name in ((ERASED, "GOES^Anna"), (KEPT, "STAYS^Berta")):
            report_study(one, study, make_dx(seed=study, PatientName=name), make_dx(seed=study + 1, PatientName=name))
        with one.ledger.transaction() as tx:
            tx.connection.execute(sa.update(t.delivery).values(state="committed", sent_at=now_utc()))
            tx.connection.execute(sa.update(t.job).values(state="done"))
    return folder


@pytest.fixture
def services(made: Path, tmp_path: Path) -> Iterator[Node]:
    folder = tmp_path / "node"
    shutil.copytree(made, folder, ignore=shutil.ignore_patterns("models"))
    ledger = new_ledger(folder)
    yield Node(folder, ledger, Spool(folder / "spool"), PreviewStore(folder / "previews"))
    ledger.engine.dispose()


def plan(services: Node, *uids: str) -> ErasurePlan:
    with services.ledger.reading() as tx:
        return plan_of_studies(tx, uids or (STUDY,))


def by_patient(services: Node, patient_id: str, issuer: str | None = None) -> ErasurePlan:
    with services.ledger.reading() as tx:
        return plan_of_patient(tx, patient_id, issuer)


def carried_out(services: Node, planned: ErasurePlan, wait_s: float = 5.0) -> ErasureRow:
    return erase(services.ledger, services.spool, services.previews, planned, operator_and_acts()[0], wait_s)


def files_with(folder: Path, traces: list[bytes]) -> list[tuple[str, bytes]]:
    content = [(path, path.read_bytes()) for path in folder.rglob("*") if path.is_file()]
    return [(str(path.relative_to(folder)), trace) for path, data in content for trace in traces if trace in data]


def test_nothing_of_an_erased_patient_is_left_in_the_folder(services: Node) -> None:
    with services.ledger.reading() as tx:
        (report,) = tx.reports.of_study(STUDY)
        results = [one.sop_instance_uid.encode() for one in tx.results.of_report(report.id)]
        names = [image.spool_name for image in tx.instances.of_study(STUDY)]
    services.previews.put(names[0], np.zeros((4, 4), np.uint8))
    traces = [*TRACES, *results, *(name.encode() for name in names)]
    assert {trace for _, trace in files_with(services.folder, traces)} >= {*TRACES, *results}
    row = carried_out(services, by_patient(services, f"phantom{ERASED} "))
    assert files_with(services.folder, traces) == []
    assert not [path for path in services.folder.rglob("*") for name in names if name in path.name]
    assert (row.kind, row.studies, row.images, row.results, row.files) == (
        "patient",
        1,
        2,
        len(results),
        2 + len(results),
    )
    with services.ledger.reading() as tx:
        assert tx.erasures.all() == [row] and row.finished_at is not None and row.operator == "anna"
        assert len(tx.instances.of_study(f"1.2.3.{KEPT}")) == 2
        assert all(services.spool.path(one.spool_name).exists() for one in tx.instances.of_study(f"1.2.3.{KEPT}"))
    assert files_with(services.folder, [f"PHANTOM{KEPT}".encode()])


def test_every_table_that_names_a_study_or_an_image_is_emptied_of_it(services: Node) -> None:
    carried_out(services, plan(services))
    for table in t.metadata.sorted_tables:
        text = [column for column in table.columns if isinstance(column.type, sa.String | sa.JSON)]
        with services.ledger.reading() as tx:
            for row in tx.connection.execute(sa.select(*text)) if text else ():
                assert STUDY not in str(row), table.name


def test_an_act_is_recorded_without_a_word_of_the_patient(services: Node) -> None:
    anna, acts = operator_and_acts()
    row = erase(services.ledger, services.spool, services.previews, plan(services), anna)
    (act,) = acts
    assert (act.kind, act.object_id, act.outcome) == ("erase", row.erasure_id, "done")
    assert not any(trace.decode() in str(act) for trace in TRACES)


def test_while_a_job_runs_nothing_is_erased(services: Node) -> None:
    with services.ledger.transaction() as tx:
        tx.connection.execute(sa.update(t.job).values(state="queued", due_at=now_utc(), attempt=1))
        job = tx.jobs.of_study(STUDY)[0]
    claimed(services.ledger, job.job_id)
    with pytest.raises(StudyBusy, match="running"):
        carried_out(services, plan(services), wait_s=0.5)
    assert plan(services).images == 2
    with services.ledger.transaction() as tx:
        tx.jobs.update(job.job_id, state="queued")
    assert carried_out(services, plan(services)).images == 2, "jobs that have not begun go with their study"


def test_a_job_of_a_dead_worker_holds_nobody_up(services: Node) -> None:
    with services.ledger.transaction() as tx:
        ended = {"state": "running", "lease_until": now_utc() - timedelta(minutes=1)}
        tx.connection.execute(sa.update(t.job).values(**ended))
    assert carried_out(services, plan(services)).studies == 1


def test_what_came_after_it_was_shown_is_not_erased_unseen(services: Node) -> None:
    shown = plan(services)
    with services.ledger.transaction() as tx:
        tx.instances.add(received(3, ERASED))
    with pytest.raises(StudyBusy, match="changed"):
        carried_out(services, shown)


def test_a_job_whose_study_was_erased_under_it_is_lost_and_no_fault(
    services: Node, caplog: pytest.LogCaptureFixture
) -> None:
    with services.ledger.transaction() as tx:
        tx.connection.execute(sa.update(t.job).values(state="queued", due_at=now_utc(), attempt=1))
        tx.connection.execute(sa.update(t.instance).values(state="received"))
        job = next(job for job in tx.jobs.of_study(STUDY) if job.kind == "image")
    held = claimed(services.ledger, job.job_id)
    with services.ledger.transaction() as tx:
        tx.removals.drop_study(STUDY, "erased", now_utc())

    def work(job: JobRow) -> None:
        run_image_job(services, job)  # type: ignore[arg-type]

    works = {"image": JobWork(work, lambda *_: None)}
    JobRunner(services.ledger, JobQueue(), works, default_retries).run(held)  # type: ignore[arg-type]
    assert "job was taken over meanwhile" in caplog.text and "Traceback" not in caplog.text


def test_the_same_image_sent_again_is_a_new_study(services: Node) -> None:
    carried_out(services, plan(services))
    record = replace(received(1, ERASED), received_at=now_utc())
    with services.ledger.transaction() as tx:
        assert tx.instances.add(record) == "added"
        assert [type(one) for one in tx.events.of_study(STUDY)] == [EventRow]


def test_what_is_not_there_is_not_found(services: Node) -> None:
    with pytest.raises(NothingFound):
        plan(services, "9.9.9")
    with pytest.raises(NothingFound):
        by_patient(services, "NOBODY")


def test_an_id_of_two_issuers_needs_the_issuer(services: Node) -> None:
    with services.ledger.transaction() as tx:
        for study, issuer in ((ERASED, "North"), (KEPT, "South")):
            mine = t.version.c.study_instance_uid == f"1.2.3.{study}"
            same = {"patient_id": "1", "patient_id_issuer": issuer, "patient_birth_date": ""}
            tx.connection.execute(sa.update(t.version).where(mine).values(**same))
    with pytest.raises(UsageError, match="--issuer"):
        by_patient(services, "1")
    assert [one.study_instance_uid for one in by_patient(services, "1", "north").studies] == [STUDY]


def test_one_id_with_two_birth_dates_may_be_two_patients(services: Node) -> None:
    with services.ledger.transaction() as tx:
        for study, born in ((ERASED, "20200101"), (KEPT, "20210101")):
            mine = t.version.c.study_instance_uid == f"1.2.3.{study}"
            tx.connection.execute(sa.update(t.version).where(mine).values(patient_id="1", patient_birth_date=born))
    with pytest.raises(UsageError, match="birth dates"):
        by_patient(services, "1")


def test_a_study_with_images_of_another_patient_is_erased_by_its_uid_only(services: Node) -> None:
    with services.ledger.transaction() as tx:
        tx.connection.execute(
            sa.update(t.version).where(t.version.c.sop_instance_uid == f"{STUDY}.2").values(patient_id="SOMEBODY")
        )
    with pytest.raises(UsageError, match="another patient"):
        by_patient(services, f"PHANTOM{ERASED}")
    assert carried_out(services, plan(services)).images == 2


def test_where_others_use_the_log_it_is_said_that_the_end_is_to_come(services: Node) -> None:
    with services.ledger.engine.connect() as reader:
        reader.exec_driver_sql("BEGIN")
        reader.exec_driver_sql("SELECT count(*) FROM hilum_study").one()
        started = time.monotonic()
        row = carried_out(services, plan(services), wait_s=1.0)
        assert row.finished_at is None and time.monotonic() - started < 60
        reader.rollback()
    with services.ledger.reading() as tx:
        assert [one.finished_at for one in tx.erasures.all()] == [None]
