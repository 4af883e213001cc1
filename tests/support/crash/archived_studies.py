"""Studies that are sent as a modality sends them, and what an archive has of each afterwards: the oracle of loops."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from pydicom import Dataset

from tests.support.crash.rounds import Found
from tests.support.dicom.phantoms import make_dx
from tests.support.peers.modality import store_until_stored
from tests.support.peers.orthanc import Orthanc

QUIET_PERIOD_S = 1.0
IMAGES_MAX = 3
SENDERS = 2
Study = list[Dataset]


class ArchivedStudies:
    """Each round sends so many studies of one to IMAGES_MAX images to `address`, and waits until `archive` has their
    results. The archive is left alone."""

    def __init__(
        self, address: tuple[str, int], archive: Orthanc, studies: int, rng: random.Random, timeout_s: float
    ) -> None:
        self._address, self._archive, self._timeout_s = address, archive, timeout_s
        self._studies, self._rng, self._numbers = studies, rng, iter(range(10**6))
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
        host, port = self._address
        for study in studies:
            store_until_stored(port, study, attempts=400, host=host)


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
