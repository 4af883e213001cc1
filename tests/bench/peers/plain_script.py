"""The plain pynetdicom and highdicom script as a peer."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from pathlib import Path

from scp_node.inference.packages import find_package
from scp_node.settings.places import shipped_models_dir
from tests.bench.peers.process import PeerProcess
from tests.support.checkout import CHECKOUT


class PlainScript(PeerProcess):
    name = "plain script"
    ae_title = "SCRIPT"
    associations_max = 10

    def __init__(self, archive: tuple[str, int]) -> None:
        super().__init__()
        self._archive = archive

    def start(self, folder: Path) -> None:
        title, port = self._archive
        package = find_package(shipped_models_dir(), "pneumonia").folder
        command = [sys.executable, "-m", "tests.bench.peers.plain_script_main", str(self.port), str(port), title]
        environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
        self.spawn([*command, str(package)], folder, environment)

    def describe(self) -> str:
        versions = " and ".join(f"{name} {importlib.metadata.version(name)}" for name in ("pynetdicom", "highdicom"))
        return f"{versions}, all work in the C-STORE handler, stock settings; no fsync"
