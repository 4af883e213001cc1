"""pynetdicom's own storescp application, as installed from PyPI."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

from tests.bench.peers.process import PeerProcess


class PynetdicomStoreSCP(PeerProcess):
    name = "pynetdicom storescp"
    ae_title = "STORESCP"
    # it serves ten; one that has just been closed may still be counted
    associations_max = 9

    def start(self, folder: Path) -> None:
        received = folder / "received"
        received.mkdir()
        command = [sys.executable, "-m", "pynetdicom", "storescp", str(self.port), "-ba", "127.0.0.1"]
        self.spawn([*command, "-od", str(received)], folder)

    def describe(self) -> str:
        return f"pynetdicom {importlib.metadata.version('pynetdicom')}, `python -m pynetdicom storescp`; no fsync"
