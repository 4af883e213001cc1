"""Debian's Orthanc as shipped: four DICOM threads, fsync of every file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.bench.peers.process import PeerProcess, version_line
from tests.support.peers.orthanc import PROGRAM, Orthanc


class OrthancPeer(PeerProcess):
    name = "Orthanc"
    ae_title = "ORTHANC"
    associations_max = 4
    options: Mapping[str, Any] = MappingProxyType({})
    orthanc: Orthanc | None = None

    def start(self, folder: Path) -> None:
        self.orthanc = Orthanc(folder, self.ae_title, **self.options)
        self.port = self.orthanc.dicom_port
        self.orthanc.start()
        self.process, self.log_path = self.orthanc.process, self.orthanc.log_path

    def stop(self) -> int:
        self.process = None
        return 0 if self.orthanc is None else self.orthanc.stop()

    def describe(self) -> str:
        return (
            f"{Path(version_line(PROGRAM, '--version')).name}, as shipped (StorageCompression off, SyncStorageArea on)"
        )
