"""A node whose bytes are objects: the main job with a real archive, while the store works, fails, and works again."""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pydicom import Dataset

from tests.support import waiting
from tests.support.dicom.phantoms import make_dx
from tests.support.node.node import RunningNode, running_node
from tests.support.peers.faulty_proxy import FaultyProxy
from tests.support.peers.modality import store, store_until_stored
from tests.support.peers.moto import Moto, object_blobs, s3_section
from tests.support.peers.orthanc import Orthanc, running_orthanc
from tests.support.peers.program import running

pytestmark = pytest.mark.peer("Orthanc")
until = functools.partial(waiting.until, timeout_s=90.0, pause_s=0.1)


def results(archive: Orthanc, ds: Dataset) -> list[Dataset]:
    return [
        one for one in archive.objects_of_study(str(ds.StudyInstanceUID)) if one.SOPInstanceUID != ds.SOPInstanceUID
    ]


def spool_name(node: RunningNode, ds: Dataset) -> str:
    ledger = node.ledger()
    try:
        with ledger.reading() as tx:
            return tx.instances.get(str(ds.SOPInstanceUID)).spool_name
    finally:
        ledger.engine.dispose()


def test_studies_are_reported_out_of_the_store_before_and_after_it_fails(moto: Moto, tmp_path: Path) -> None:
    with (
        running(FaultyProxy(moto.port)) as proxy,
        running_orthanc(tmp_path / "orthanc") as archive,
        running_node(
            tmp_path / "node",
            {"pacs": ("ORTHANC", archive.dicom_port)},
            storage={"used_percent_max": 99, "free_bytes_min": 1, "blobs": "s3", "s3": s3_section(proxy.port)},
        ) as node,
    ):
        first = make_dx(seed=31)
        assert store(node.port, [first]) == [0x0000]
        until(lambda: results(archive, first), "report and heat map", enough=lambda seen: len(seen) == 2)
        assert not (node.data_dir / "spool").exists()

        proxy.fault = "refuse"
        second = make_dx(seed=32)
        assert store(node.port, [second]) == [0xA700]
        assert store(node.port, [second]) == [0xA700]
        proxy.fault = ""
        store_until_stored(node.port, [second])
        until(lambda: results(archive, second), "report and heat map", enough=lambda seen: len(seen) == 2)

        # another machine has neither copies nor previews, and takes part in a report over what the first one took
        node.stop()
        shutil.rmtree(node.data_dir / "copies")
        shutil.rmtree(node.data_dir / "previews")
        node.start()
        more = make_dx(seed=31, instance=2)
        assert store(node.port, [more]) == [0x0000]
        sent = {first.SOPInstanceUID, more.SOPInstanceUID}
        until(
            lambda: [one for one in results(archive, first) if one.SOPInstanceUID not in sent],
            "another report, and the heat map of the second image",
            enough=lambda seen: len(seen) == 4,
        )

        name = spool_name(node, more)
        assert object_blobs(tmp_path / "elsewhere", moto.port).holds(name)
        command = ["erase", "--study", str(more.StudyInstanceUID), "--yes", "--config", str(node.config)]
        erased = subprocess.run(
            [sys.executable, "-m", "scp_node.cli", *command], capture_output=True, text=True, check=False, timeout=120
        )
        assert erased.returncode == 0, erased.stdout + erased.stderr
        assert not object_blobs(tmp_path / "elsewhere", moto.port).holds(name)
