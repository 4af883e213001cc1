"""Sending: how many Structured Reports a second reach an archive that runs as shipped."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

from pydicom import Dataset
from pydicom.uid import generate_uid

from scp_node.deliver.destinations import Destinations
from tests.bench.peers.dcmtk import StoreSCP
from tests.bench.peers.orthanc import OrthancPeer
from tests.bench.peers.process import PeerProcess, dcmtk_program
from tests.bench.workplace import Record, Workplace, running
from tests.support.dicom.phantoms import make_dx
from tests.support.node.delivering import settings_for
from tests.support.peers.dcmtk import environment_as_shipped
from tests.support.results.reports import a_report, an_image

ROUNDS, QUICK_ROUNDS = 5, 1
OBJECTS, QUICK_OBJECTS = 40, 10
ARCHIVES: tuple[type[PeerProcess], ...] = (StoreSCP, OrthancPeer)


def measure(workplace: Workplace) -> list[Record]:
    """Hilum's Sender and storescu, each over one association, the same objects under fresh UIDs."""
    records: list[Record] = []
    count = QUICK_OBJECTS if workplace.quick else OBJECTS
    report = a_report([an_image(make_dx(rows=256, columns=256))])
    senders = {"Hilum": _send_with_hilum, "storescu": _send_with_storescu}
    for number in range(QUICK_ROUNDS if workplace.quick else ROUNDS):
        with workplace.fresh_folder() as folder, ExitStack() as stack:
            archives = [stack.enter_context(running(archive(), folder)) for archive in ARCHIVES]
            for archive in archives:
                for name in workplace.shuffled(senders):
                    files = _write(report, count, folder)
                    os.sync()
                    began = time.perf_counter()
                    senders[name](archive, files)
                    took_s = time.perf_counter() - began
                    records.append(
                        {"round": number, "case": archive.name, "peer": name, "objects_per_s": count / took_s}
                    )
        workplace.say(f"sending: round {number + 1} done")
    return records


def _write(report: Dataset, count: int, folder: Path) -> list[Path]:
    paths = []
    for _ in range(count):
        report.SOPInstanceUID = report.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        paths.append(folder / f"{report.SOPInstanceUID}.dcm")
        report.save_as(paths[-1], enforce_file_format=True)
    return paths


def _send_with_hilum(archive: PeerProcess, files: list[Path]) -> None:
    destinations = Destinations(settings_for({"archive": (archive.ae_title, archive.port)}))
    outcomes = [destinations.send("archive", path) for path in files]
    destinations.close()
    failed = [outcome for outcome in outcomes if not outcome.sent]
    if failed:
        raise RuntimeError(f"{len(failed)} not sent: {failed[0].message}")


def _send_with_storescu(archive: PeerProcess, files: list[Path]) -> None:
    # by itself it proposes a list of classes that lacks Comprehensive 3D SR
    command = [
        dcmtk_program("storescu"),
        "--required",
        "-aec",
        archive.ae_title,
        "127.0.0.1",
        str(archive.port),
        *map(str, files),
    ]
    subprocess.run(command, check=True, capture_output=True, env=environment_as_shipped())
