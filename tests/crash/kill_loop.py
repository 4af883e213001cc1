"""Kills random processes of a working node and counts what was lost or duplicated.

    python -m tests.crash.kill_loop --rounds 20 --studies 20 --seed 1

Each round sends studies of one to three images as a modality would (again until 0x0000), kills one random process of
the node with -9 at a random moment, and then waits until every study has a Structured Report over all its images and a
heat map of each in Orthanc. The oracle is the archive: no two reports of a study cover the same images, no image has
two heat maps. Exit 0 only with 0 lost and 0 duplicated.
"""

from __future__ import annotations

import argparse
import io
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import pydicom
from pydicom import Dataset

from tests.support.dicom.phantoms import make_dx
from tests.support.node.node import RunningNode, kill_9
from tests.support.peers.modality import store_until_stored
from tests.support.peers.orthanc import Orthanc

QUIET_PERIOD_S = 1.0
IMAGES_MAX = 3
Study = list[Dataset]


def run(rounds: int, studies: int, seed: int, round_timeout_s: float, folder: Path) -> dict[str, int]:
    """Run the loop; returns the totals: studies, kills by process, lost, duplicated."""
    rng = random.Random(seed)
    archive = Orthanc(folder / "orthanc")
    archive.start()
    node = RunningNode(
        folder / "node", {"pacs": ("ORTHANC", archive.dicom_port)}, report={"quiet_period_s": QUIET_PERIOD_S}
    )
    totals: Counter[str] = Counter()
    try:
        node.start()
        for number in range(rounds):
            sent = [_study(1000 * number + index, rng.randint(1, IMAGES_MAX)) for index in range(studies)]
            victim = _send_and_kill(node, sent, rng)
            totals[f"killed {victim}"] += 1
            waiting, duplicated = _settle(archive, sent, round_timeout_s)
            totals["studies"] += len(sent)
            totals["images"] += sum(map(len, sent))
            totals["lost"] += len(waiting)
            totals["duplicated"] += duplicated
            print(
                f"round {number + 1}/{rounds}: killed {victim}; {len(sent)} studies, {len(waiting)} without result, "
                f"{duplicated} duplicated",
                flush=True,
            )
            for uid in waiting:
                print(f"  lost: {uid}", flush=True)
    finally:
        node.stop()
        archive.stop()
    return dict(totals)


def _study(seed: int, images: int) -> Study:
    return [make_dx(seed=seed, instance=number, rows=256, columns=220) for number in range(1, images + 1)]


def _send_and_kill(node: RunningNode, sent: list[Study], rng: random.Random) -> str:
    """Send from two threads while a random process of the node dies; a dead supervisor is started again."""
    threads = [threading.Thread(target=_send, args=(node.port, sent[half::2])) for half in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(rng.uniform(0.05, 3.0))
    processes = node.processes()
    victim = rng.choice(sorted(processes))
    if victim == "supervisor":
        node.kill()
        node.start()
    else:
        kill_9(processes[victim])
    for thread in threads:
        thread.join()
    return victim.split("-")[0]


def _send(port: int, studies: list[Study]) -> None:
    for study in studies:
        store_until_stored(port, study, attempts=400)


def _settle(archive: Orthanc, sent: list[Study], timeout_s: float) -> tuple[list[str], int]:
    """Wait until every study has its results; returns the studies without and the number of surplus objects."""
    deadline = time.monotonic() + timeout_s
    waiting = sent
    while waiting and time.monotonic() < deadline:
        waiting = [study for study in waiting if not _complete(archive, study)]
        time.sleep(0.2)
    time.sleep(2 * QUIET_PERIOD_S)
    surplus = sum(_surplus(*_results(archive, study)) for study in sent)
    return [str(study[0].StudyInstanceUID) for study in waiting], surplus


def _results(archive: Orthanc, study: Study) -> tuple[list[frozenset[str]], list[str]]:
    """For each report in the study the images that it covers, and for each heat map the image it was drawn over."""
    images = {str(ds.SOPInstanceUID) for ds in study}
    reports, heatmaps = [], []
    for one in archive.find("Instance", StudyInstanceUID=str(study[0].StudyInstanceUID)):
        ds = pydicom.dcmread(io.BytesIO(archive.instance_bytes(one)), stop_before_pixels=True)
        if ds.Modality == "SR":
            evidence = ds.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
            named = {str(item.ReferencedSOPInstanceUID) for series in evidence for item in series.ReferencedSOPSequence}
            reports.append(frozenset(named & images))
        else:
            heatmaps.append(str(ds.SourceImageSequence[0].ReferencedSOPInstanceUID))
    return reports, heatmaps


def _complete(archive: Orthanc, study: Study) -> bool:
    reports, heatmaps = _results(archive, study)
    images = frozenset(str(ds.SOPInstanceUID) for ds in study)
    return images in reports and set(heatmaps) == images


def _surplus(reports: list[frozenset[str]], heatmaps: list[str]) -> int:
    return len(reports) - len(set(reports)) + len(heatmaps) - len(set(heatmaps))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--studies", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--round-timeout-s", type=float, default=180)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hilum-crash-") as folder:
        totals = run(arguments.rounds, arguments.studies, arguments.seed, arguments.round_timeout_s, Path(folder))
    print(f"seed {arguments.seed}: " + ", ".join(f"{count} {name}" for name, count in sorted(totals.items())))
    return 0 if not totals.get("lost") and not totals.get("duplicated") else 1


if __name__ == "__main__":
    sys.exit(main())
