"""Judges and reports studies with the real steps of image and study job, in one thread and without a network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import xxhash
from pydicom import Dataset

from scp_node.decode.pool import DecodePool
from scp_node.engine.jobs import JobQueue
from scp_node.inference.loaded_models import LoadedModels
from scp_node.intake.image_jobs import IMAGES_QUEUE, image_job
from scp_node.ledger import Ledger, ResultRow
from scp_node.ledger.records import now_utc
from scp_node.settings import Inference, Settings
from scp_node.storage.previews import PreviewStore
from scp_node.storage.spool import Spool
from scp_node.workflow.image_job import run_image_job
from scp_node.workflow.job_kinds import STUDIES_QUEUE
from scp_node.workflow.services import Services
from scp_node.workflow.study_job import run_study_job
from tests.support.dicom.phantoms import write_dx
from tests.support.ledger.ledgers import claimed, new_ledger, received
from tests.support.models.tiny_model import TINY, copy_tiny

SETTINGS = Settings.model_validate(
    {
        "node": {"ae_title": "HILUM"},
        "remote_aes": {"pacs": {"ae_title": "PACS", "host": "127.0.0.1", "port": 104, "may_send": True}},
        "routes": [{"name": "chest", "model": "tiny", "to": ["pacs"]}],
        "report": {"quiet_period_s": 0},
    }
)


@contextmanager
def worker_services(folder: Path, model: Path = TINY) -> Iterator[Services]:
    """The services of a worker with a tiny model, but for what sends: judging and reporting end before it."""
    copy_tiny(folder / "models", model, name="tiny")
    ledger = new_ledger(folder)
    with closing(DecodePool(processes=1)) as pool, closing(LoadedModels(folder / "models", Inference())) as models:
        previews, spool = PreviewStore(folder / "previews"), Spool(folder / "spool")
        destinations = None
        yield Services(lambda: SETTINGS, ledger, JobQueue(), spool, previews, models, pool, destinations)  # type: ignore[arg-type]
    ledger.engine.dispose()


def report_study(
    services: Services, study: int, *images: Dataset, first: int = 1, patient_id: str | None = None
) -> list[ResultRow]:
    """Judge and report images of one patient, another one for each study unless `patient_id` says who it is, numbered
    from `first` on; returns all results of their study."""
    uid = judge_study(services, study, *images, first=first, patient_id=patient_id)
    for job in pending(services.ledger, STUDIES_QUEUE):
        run_study_job(services, claimed(services.ledger, job))
    with services.ledger.reading() as tx:
        return [result for report in tx.reports.of_study(uid) for result in tx.results.of_report(report.id)]


def judge_study(services: Services, study: int, *images: Dataset, first: int = 1, patient_id: str | None = None) -> str:
    """Have images of one patient analysed; returns the UID of their study."""
    for number, ds in enumerate(images, first):
        record = received(number, study)
        ds.StudyInstanceUID, ds.SOPInstanceUID = record.study_instance_uid, record.sop_instance_uid
        ds.PatientID = f"PHANTOM{study}" if patient_id is None else patient_id
        path = services.spool.path(record.spool_name)
        path.parent.mkdir(parents=True, exist_ok=True)
        data = write_dx(path, ds).read_bytes()
        record = replace(record, bytes=len(data), digest=xxhash.xxh3_128_hexdigest(data))
        with services.ledger.transaction() as tx:
            tx.instances.add(record)
            services.jobs.put(tx, image_job(record, now_utc()))
    for job in pending(services.ledger, IMAGES_QUEUE):
        run_image_job(services, claimed(services.ledger, job))
    return f"1.2.3.{study}"


def pending(ledger: Ledger, queue: str) -> list[str]:
    with ledger.reading() as tx:
        return [job.job_id for job in tx.jobs.pending(queue, 10)]
