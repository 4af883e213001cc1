"""Sees results arrive in an Orthanc by its list of changes, with two cheap requests an object."""

from __future__ import annotations

import json
import time

from tests.bench.peers.orthanc import OrthancPeer

SR_CLASSES = "1.2.840.10008.5.1.4.1.1.88."
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
# How often one study is looked for, and how often many: looking costs the archive CPU time that is measured.
POLL_S, BURST_POLL_S = 0.004, 0.05
WAIT_S = 120.0


class ArchiveWatch:
    """Counts the reports and heat maps that came since it was made."""

    def __init__(self, archive: OrthancPeer) -> None:
        assert archive.orthanc is not None, "it has to run"
        self._archive = archive.orthanc
        self._since = json.loads(self._archive.get("/changes?last"))["Last"]
        self.reports = self.heatmaps = 0

    def look(self) -> None:
        page = json.loads(self._archive.get(f"/changes?since={self._since}&limit=100"))
        self._since = page["Last"]
        for change in page["Changes"]:
            if change["ChangeType"] == "NewInstance":
                sop_class = self._archive.get(f"/instances/{change['ID']}/metadata/SopClassUid").decode()
                self.reports += sop_class.startswith(SR_CLASSES)
                self.heatmaps += sop_class == SECONDARY_CAPTURE

    def wait(self, reports: int, heatmaps: int = 0, poll_s: float = POLL_S) -> float:
        """Wait for so many in all; the moment they were there (time.perf_counter)."""
        deadline = time.monotonic() + WAIT_S
        while True:
            self.look()
            if self.reports >= reports and self.heatmaps >= heatmaps:
                return time.perf_counter()
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.reports} of {reports} reports within {WAIT_S:.0f} s")
            time.sleep(poll_s)
