"""Runs inside Orthanc, in the Python of its plugin: analyses each stored radiograph and stores the results beside it.

As the plugin's documentation shows it: a change of type NEW_INSTANCE calls back, outside of the DICOM thread.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path[:0] = os.environ["BENCH_PATH"].split(os.pathsep)

import orthanc  # noqa: E402

from tests.bench.peers.straightforward import IMAGE_CLASSES, Analysis, read, written  # noqa: E402

analysis = Analysis(Path(os.environ["BENCH_MODEL"]))


def on_change(change: int, level: int, resource: str) -> None:
    if change != orthanc.ChangeType.NEW_INSTANCE:
        return
    if orthanc.RestApiGet(f"/instances/{resource}/metadata/SopClassUid").decode() not in IMAGE_CLASSES:
        return
    for result in analysis.results(read(orthanc.GetDicomForInstance(resource))):
        orthanc.RestApiPost("/instances", written(result))


orthanc.RegisterOnChangeCallback(on_change)
