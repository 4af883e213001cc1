"""The acceptance run on real radiographs: DCMTK sends, the node analyses, Orthanc keeps, validators judge.

    python -m tests.conformance.real_radiographs --kermany 50

Sends the real DICOM radiographs of the development data and radiographs of the Kermany cohort wrapped as DX, each as a
study of its own, waits until each has its Structured Report and heat map in Orthanc, fetches both as stored, and holds
them against our own assertions, dciodvfy, dsrdump and PixelMed. Exit 0 only with no problem at all.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path

import cv2
import pydicom
from pydicom import Dataset
from pydicom.uid import generate_uid

from tests.support.cohorts.data import data_dir
from tests.support.dicom.phantoms import make_dx
from tests.support.node.node import RunningNode
from tests.support.peers import validators
from tests.support.peers.dcmtk import program
from tests.support.peers.orthanc import Orthanc
from tests.support.results.result_assertions import SR_CLASSES, heatmap_problems, report_problems

WAIT_S = 300.0
# Options with which storescu proposes a compressed transfer syntax.
PROPOSE = {
    "1.2.840.10008.1.2.4.50": "-xy",
    "1.2.840.10008.1.2.4.70": "-xs",
    "1.2.840.10008.1.2.4.80": "-xt",
    "1.2.840.10008.1.2.4.81": "-xu",
    "1.2.840.10008.1.2.4.90": "-xv",
    "1.2.840.10008.1.2.4.91": "-xw",
    "1.2.840.10008.1.2.5": "-xr",
}


def real_files(data: Path, folder: Path) -> Iterator[Path]:
    """Copies of the real radiographs, each as a study of its own: some share a study, two even an instance UID."""
    for path in sorted((data / "cxr" / "dicom").iterdir()):
        if not _is_dicom(path):
            continue
        ds = pydicom.dcmread(path)
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
            setattr(ds, keyword, generate_uid("2.25.", entropy_srcs=[path.name, keyword]))
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        copy = folder / f"real-{path.name}"
        ds.save_as(copy)
        yield copy


def kermany_files(data: Path, count: int, folder: Path) -> Iterator[Path]:
    """`count` Kermany devtest images, wrapped as DX of made-up patients."""
    with (data / "cxr" / "manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["path"].startswith("kermany512/")]
    rows = [row for row in rows if row["split_suggested"] == "devtest"]
    for number, row in enumerate(sorted(rows, key=lambda row: hashlib.sha256(row["path"].encode()).digest())[:count]):
        pixels = cv2.imread(str(data / "cxr" / row["path"]), cv2.IMREAD_GRAYSCALE)
        ds = make_dx(
            pixels,
            seed=700_000 + number,
            bits_allocated=8,
            bits_stored=8,
            PatientAge="003Y",
            PatientBirthDate="20220101",
            ViewPosition="AP",
        )
        path = folder / f"kermany-{number:03d}.dcm"
        ds.save_as(path, enforce_file_format=True)
        yield path


def send(path: Path, port: int) -> None:
    syntax = str(pydicom.dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID)
    options = [PROPOSE[syntax]] if syntax in PROPOSE else []
    subprocess.run(
        [program("storescu"), *options, "-aet", "MODALITY", "-aec", "HILUM", "127.0.0.1", str(port), str(path)],
        check=True,
        capture_output=True,
        timeout=60,
    )


def wait_for_results(archive: Orthanc, header: Dataset) -> list[Dataset]:
    deadline = time.monotonic() + WAIT_S
    while True:
        objects = archive.objects_of_study(str(header.StudyInstanceUID))
        if len(objects) >= 2 or time.monotonic() > deadline:
            return objects
        time.sleep(0.3)


def judge(path: Path, objects: list[Dataset], folder: Path) -> list[str]:
    """Every problem of the results of one study."""
    header = pydicom.dcmread(path, stop_before_pixels=True)
    reports = [one for one in objects if one.SOPClassUID in SR_CLASSES]
    heatmaps = [one for one in objects if one.SOPClassUID not in SR_CLASSES]
    if len(reports) != 1 or len(heatmaps) != 1:
        return [f"{len(reports)} reports and {len(heatmaps)} heat maps instead of one each"]
    problems = report_problems(reports[0], [header], [], heatmaps) + heatmap_problems(heatmaps[0], header)
    for name, ds in (("sr", reports[0]), ("sc", heatmaps[0])):
        file = folder / f"{path.stem}-{name}.dcm"
        ds.save_as(file, enforce_file_format=True)
        problems += [f"dciodvfy {name}: {line}" for line in validators.dciodvfy(file)]
        if name == "sr":
            problems += [f"dsrdump: {line}" for line in validators.dsrdump(file)]
            problems += [f"PixelMed: {line}" for line in validators.pixelmed(file)]
    return problems


def run(kermany: int, folder: Path) -> int:
    """Send everything, judge everything; returns the number of studies with a problem."""
    data = data_dir()
    if data is None:
        print("the development radiographs are not here (HILUM_DATA)", file=sys.stderr)
        return 1
    archive = Orthanc(folder / "orthanc")
    archive.start()
    node = RunningNode(folder / "node", {"pacs": ("ORTHANC", archive.dicom_port)})
    paths = [*real_files(data, folder), *kermany_files(data, kermany, folder)]
    try:
        node.start()
        for path in paths:
            send(path, node.port)
        collected = [wait_for_results(archive, pydicom.dcmread(path, stop_before_pixels=True)) for path in paths]
    finally:
        node.stop()
        archive.stop()
    failed = 0
    with ThreadPoolExecutor(2) as pool:
        for path, problems in zip(paths, pool.map(judge, paths, collected, repeat(folder)), strict=True):
            failed += bool(problems)
            print(f"{path.name}: {'; '.join(problems) or 'SR and SC stored, 0 errors'}", flush=True)
    print(f"{len(paths)} studies, {failed} with problems")
    return failed


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kermany", type=int, default=50, help="how many Kermany images")
    parser.add_argument("--keep", type=Path, help="folder for the results, to look at them")
    arguments = parser.parse_args()
    if arguments.keep:
        arguments.keep.mkdir(parents=True, exist_ok=True)
        return min(1, run(arguments.kermany, arguments.keep))
    with tempfile.TemporaryDirectory(prefix="hilum-real-") as folder:
        return min(1, run(arguments.kermany, Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
