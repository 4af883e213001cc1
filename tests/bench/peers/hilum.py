"""Hilum itself, the receiver alone or the whole node; durable as shipped, only without the disk watermark."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path
from typing import Any

import yaml

from scp_node.ledger import Ledger
from scp_node.ledger.database import open_database
from scp_node.settings.places import default_url
from tests.bench.load_client import CALLING_AE_TITLE
from tests.bench.peers.process import PeerProcess

NO_WATERMARK = {"used_percent_max": 100, "free_bytes_min": 0}
# For the parts with a worker: a report at once instead of after a quiet period, and a stop that waits for nothing.
AT_ONCE: dict[str, Any] = {"report": {"quiet_period_s": 0}, "workers": {"drain_s": 0.5}}
# Where results would go when nobody measures their way: nothing listens there, and no worker runs.
_NOBODY = ("NOBODY", 1)


class HilumReceiver(PeerProcess):
    """`hilum serve --only receiver`: fsync of file and directory, and the ledger's commit, before 0x0000."""

    name = "Hilum"
    ae_title = "HILUM"
    roles: tuple[str, ...] = ("--only", "receiver")

    def __init__(self, archive: tuple[str, int] = _NOBODY, **sections: Any) -> None:
        super().__init__()
        self._archive, self._sections = archive, sections

    def start(self, folder: Path) -> None:
        title, port = self._archive
        self.data_dir = folder / "data"
        document = {
            "node": {"ae_title": self.ae_title, "bind": "127.0.0.1", "port": self.port, "data_dir": str(self.data_dir)},
            "remote_aes": {
                "archive": {"ae_title": title, "host": "127.0.0.1", "port": port},
                "modality": {"ae_title": CALLING_AE_TITLE, "host": "127.0.0.1", "port": 104, "may_send": True},
            },
            "routes": [{"name": "chest", "model": "pneumonia", "to": ["archive"]}],
            "storage": NO_WATERMARK,
            **self._sections,
            # Drawn films are to take the whole way, whatever an input gate thinks of them.
            "inference": {"gate": "note", **self._sections.get("inference", {})},
        }
        config = folder / "node.yaml"
        config.write_text(yaml.safe_dump(document, sort_keys=False))
        command = [sys.executable, "-m", "scp_node.cli", "serve", "--config", str(config), *self.roles]
        self.spawn(command, folder, is_ready=self._is_ready)

    def describe(self) -> str:
        settings = {**self._sections, "storage": NO_WATERMARK}
        shown = "; ".join(f"{name}: {values}" for name, values in settings.items())
        roles = " ".join(("hilum serve", *self.roles))
        return f"Hilum {importlib.metadata.version('hilum')}, `{roles}`, {shown}; fsync and ledger commit before 0x0000"

    def ledger(self) -> Ledger:
        """The ledger of the running node; dispose of `.engine` when done."""
        return Ledger(open_database(default_url(self.data_dir)))

    def _is_ready(self) -> bool:
        return "receiver ready" in self.log()


class HilumNode(HilumReceiver):
    """`hilum serve`: receiver and worker."""

    roles = ()

    def _is_ready(self) -> bool:
        return super()._is_ready() and "worker ready" in self.log()
