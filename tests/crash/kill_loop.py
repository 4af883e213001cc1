"""Kills random processes of a working node and counts what was lost or duplicated.

    python -m tests.crash.kill_loop --rounds 20 --studies 20 --seed 1

Each round sends studies of one to three images as a modality would (again until 0x0000), kills one random process of
the node with -9 at a random moment, and then waits until every study has a Structured Report over all its images and a
heat map of each in Orthanc. With --postgresql the ledger is in a PostgreSQL of its own. The oracle is the archive: no
two reports of a study cover the same images, no image has two heat maps. Exit 0 only with 0 lost and 0 duplicated.
"""

from __future__ import annotations

import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pydicom import Dataset

from tests.support.crash.rounds import Found, arguments, passed, run_rounds
from tests.support.dicom.phantoms import make_dx
from tests.support.node.node import RunningNode, kill_9, running_node
from tests.support.peers.modality import store_until_stored
from tests.support.peers.orthanc import Orthanc
from tests.support.peers.postgresql import start_postgresql
from tests.support.peers.program import running

QUIET_PERIOD_S = 1.0
IMAGES_MAX = 3
SENDERS = 2
Study = list[Dataset]


class ProcessKills:
    """Studies through the whole node, into an archive that is left alone."""

    def __init__(self, node: RunningNode, archive: Orthanc, studies: int, seed: int, timeout_s: float) -> None:
        self._node, self._archive, self._timeout_s = node, archive, timeout_s
        self._studies, self._rng, self._numbers = studies, random.Random(seed), iter(range(10**6))
        self._sent: list[Study] = []

    @contextmanager
    def under_load(self) -> Iterator[None]:
        self._sent = [_study(next(self._numbers), self._rng.randint(1, IMAGES_MAX)) for _ in range(self._studies)]
        threads = [threading.Thread(target=self._send, args=(self._sent[n::SENDERS],)) for n in range(SENDERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            for thread in threads:
                thread.join()

    def break_it(self) -> str:
        time.sleep(self._rng.uniform(0.05, 3.0))
        processes = self._node.processes()
        victim = self._rng.choice(sorted(processes))
        if victim == "supervisor":
            self._node.kill()
        else:
            kill_9(processes[victim])
        return f"killed {victim.partition('-')[0]}"

    def start_again(self) -> None:
        """The supervisor starts its roles again; nobody but us starts the supervisor."""
        if self._node.process is None:
            self._node.start()

    def count(self) -> Found:
        """Wait until every study has its results; what is without them, and which objects came twice."""
        deadline, waiting = time.monotonic() + self._timeout_s, self._sent
        while waiting and time.monotonic() < deadline:
            waiting = [study for study in waiting if not _complete(self._archive, study)]
            time.sleep(0.2)
        time.sleep(2 * QUIET_PERIOD_S)
        counted = Counter(studies=len(self._sent), images=sum(map(len, self._sent)))
        lost = [f"{study[0].StudyInstanceUID}: without its results" for study in waiting]
        return Found(counted, lost, [line for study in self._sent for line in _doubled(self._archive, study)])

    def _send(self, studies: list[Study]) -> None:
        for study in studies:
            store_until_stored(self._node.port, study, attempts=400)


def _study(seed: int, images: int) -> Study:
    return [make_dx(seed=seed, instance=number, rows=256, columns=220) for number in range(1, images + 1)]


def _results(archive: Orthanc, study: Study) -> tuple[list[frozenset[str]], list[str]]:
    """For each report in the study the images that it covers, and for each heat map the image it was drawn over."""
    images = {str(ds.SOPInstanceUID) for ds in study}
    reports, heatmaps = [], []
    for ds in archive.objects_of_study(str(study[0].StudyInstanceUID), pixels=False):
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


def _doubled(archive: Orthanc, study: Study) -> list[str]:
    reports, heatmaps = _results(archive, study)
    again = [f"{', '.join(sorted(images))}: {n} reports" for images, n in Counter(reports).items() if n > 1]
    return again + [f"{image}: {n} heat maps" for image, n in Counter(heatmaps).items() if n > 1]


def run(
    rounds: int, studies: int, seed: int, round_timeout_s: float, folder: Path, database_url: str | None
) -> Counter[str]:
    with running(Orthanc(folder / "orthanc")) as archive:
        archives, report = {"pacs": ("ORTHANC", archive.dicom_port)}, {"quiet_period_s": QUIET_PERIOD_S}
        storage = {"database_url": database_url}
        with running_node(folder / "node", archives, report=report, storage=storage) as node:
            return run_rounds(ProcessKills(node, archive, studies, seed, round_timeout_s), rounds)


def main() -> int:
    parser = arguments(__doc__, rounds=20)
    parser.add_argument("--studies", type=int, default=20)
    parser.add_argument("--round-timeout-s", type=float, default=180)
    parser.add_argument("--postgresql", action="store_true", help="the ledger is in PostgreSQL")
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hilum-crash-")))
        server = start_postgresql() if asked.postgresql else None
        if server is not None:
            stack.callback(server.stop)
        url = None if server is None else server.url()
        totals = run(asked.rounds, asked.studies, asked.seed, asked.round_timeout_s, folder, url)
    return 0 if passed(totals, asked.rounds, asked.seed) else 1


if __name__ == "__main__":
    sys.exit(main())
