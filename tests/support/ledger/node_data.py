"""The data folder of a node without its processes: objects come in by the real intake, and studies are worked on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset

from scp_node.decode.pool import DecodePool
from scp_node.dimse.requests import Command
from scp_node.engine.jobs import JobQueue
from scp_node.inference.loaded_models import LoadedModels
from scp_node.intake.group_commit import GroupCommit
from scp_node.intake.image_jobs import IMAGES_QUEUE
from scp_node.intake.received_instances import ReceivedInstances
from scp_node.intake.store import Context, Requestor, Store
from scp_node.ledger import InstanceRow, Ledger
from scp_node.ledger.database import migrate, open_database
from scp_node.queries.studies import StudyFilter, StudySummary, list_studies
from scp_node.recovery.backup import NodeData
from scp_node.settings import Inference, Settings
from scp_node.settings.file import load_settings
from scp_node.settings.places import default_url
from scp_node.storage.previews import PreviewStore
from scp_node.storage.spool import Spool
from scp_node.workflow.image_job import run_image_job
from scp_node.workflow.job_kinds import STUDIES_QUEUE
from scp_node.workflow.services import Services
from scp_node.workflow.study_job import run_study_job
from tests.support.dicom.phantoms import make_dx
from tests.support.ledger.ledgers import claimed
from tests.support.ledger.studies import pending
from tests.support.models.tiny_model import copy_tiny
from tests.support.node.receiving import data_set_bytes

REMOTE_AES = {
    "pacs": {"ae_title": "PACS", "host": "127.0.0.1", "port": 104},
    "modality": {"ae_title": "MODALITY", "host": "127.0.0.1", "port": 104, "may_send": True},
}
SENDER = Requestor("modality", "MODALITY", "HILUM")


@dataclass(frozen=True)
class NodeFolder:
    """A node in `root`: its configuration, its data folder, and its ledger, opened."""

    root: Path
    ledger: Ledger
    spool: Spool
    store: Store

    @property
    def data_dir(self) -> Path:
        return self.root / "data"

    @property
    def config(self) -> Path:
        return self.root / "node.yaml"

    @property
    def settings(self) -> Settings:
        return load_settings(self.config)

    @property
    def data(self) -> NodeData:
        return NodeData(self.data_dir, self.data_dir / "spool", self.ledger.engine, self.config, 0)

    def receive(self, *objects: Dataset, sender: Requestor = SENDER) -> None:
        """Each is acknowledged with 0x0000 when this returns."""
        for ds in objects:
            sop_class, uid = str(ds.SOPClassUID), str(ds.SOPInstanceUID)
            context = Context(sop_class, str(ds.file_meta.TransferSyntaxUID))
            incoming = self.store.begin(sender, context, Command(1, 1, True, sop_class, uid))
            incoming.write([memoryview(data_set_bytes(ds))])
            assert incoming.finish().status == 0x0000

    def instance(self, ds: Dataset) -> InstanceRow:
        with self.ledger.reading() as tx:
            return tx.instances.get(str(ds.SOPInstanceUID))

    def file(self, ds: Dataset) -> Path:
        return self.spool.path(self.instance(ds).spool_name)

    def work(self, services: Services) -> None:
        """Judge what waits and report it, as a worker with these services."""
        for queue, run in ((IMAGES_QUEUE, run_image_job), (STUDIES_QUEUE, run_study_job)):
            for job in pending(self.ledger, queue):
                run(services, claimed(self.ledger, job))


def node_folder(root: Path, free_bytes_min: int = 5 * 2**30) -> NodeFolder:
    """A node that has run, empty or as it was left in `root`; dispose of `.ledger.engine` when done."""
    root.mkdir(parents=True, exist_ok=True)
    document = {
        "node": {"ae_title": "HILUM", "data_dir": str(root / "data")},
        "remote_aes": REMOTE_AES,
        "routes": [{"name": "chest", "model": "tiny", "to": ["pacs"]}],
        "report": {"quiet_period_s": 0},
        "storage": {"free_bytes_min": free_bytes_min},
        "inference": {"models_dir": str(root / "models")},
    }
    (root / "node.yaml").write_text(json.dumps(document))
    spool = Spool(root / "data" / "spool")
    engine = open_database(default_url(root / "data"))
    migrate(engine)
    ledger = Ledger(engine)
    store = Store(spool, GroupCommit(ReceivedInstances(ledger, JobQueue()), spool, lambda: None))
    return NodeFolder(root, ledger, spool, store)


@contextmanager
def working(node: NodeFolder) -> Iterator[Services]:
    """What a worker of the node works with, but for what sends."""
    if not (node.root / "models").exists():
        copy_tiny(node.root / "models")
    settings, models_dir = node.settings, node.root / "models"
    with closing(DecodePool(processes=1)) as pool, closing(LoadedModels(models_dir, Inference())) as models:
        previews = PreviewStore(node.data_dir / "previews")
        yield Services(lambda: settings, node.ledger, JobQueue(), node.spool, previews, models, pool, None)  # type: ignore[arg-type]


def films(count: int, study: int = 1, rows: int = 256) -> list[Dataset]:
    """Made-up radiographs of one study."""
    found = []
    for number in range(1, count + 1):
        ds = make_dx(rows=rows, columns=rows)
        ds.StudyInstanceUID, ds.SOPInstanceUID = f"1.2.3.{study}", f"1.2.3.{study}.{number}"
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        ds.SeriesInstanceUID, ds.PatientID = f"1.2.3.{study}.0", f"PHANTOM{study}"
        ds.AccessionNumber = f"ACC{study}"
        found.append(ds)
    return found


def studies_in(data_dir: Path) -> Sequence[StudySummary]:
    """As every list of studies shows them."""
    engine = open_database(default_url(data_dir))
    try:
        with Ledger(engine).reading() as tx:
            return list_studies(tx, StudyFilter(), 1000)
    finally:
        engine.dispose()
