"""The application of a test, over a ledger of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scp_node.engine.wakeup import Waker
from scp_node.ledger import Ledger
from scp_node.settings import Settings
from scp_node.web.context import WebContext
from scp_node.web.database_watch import DatabaseWatch
from scp_node.web.pictures.desk import PictureDesk
from tests.support.peers.ports import free_port

DOCUMENT = {
    "node": {"ae_title": "HILUM"},
    "remote_aes": {
        "archive": {"ae_title": "ARCHIVE", "host": "127.0.0.1", "port": 104},
        "modality": {"ae_title": "MODALITY", "host": "127.0.0.1", "port": 104, "may_send": True},
    },
    "routes": [{"name": "chest", "model": "pneumonia", "to": ["archive"]}],
}


def web_context(folder: Path, ledger: Ledger, watch: DatabaseWatch | None = None, **web: Any) -> WebContext:
    """A context whose data folder is `folder`; `web`: settings of that section."""
    node = {"ae_title": "HILUM", "data_dir": str(folder)}
    document = {**DOCUMENT, "node": node, "web": {"port": free_port(), **web}}
    settings = Settings.model_validate(document)
    watch = watch or DatabaseWatch(ledger)
    desk = PictureDesk(lambda: settings)
    return WebContext(ledger, lambda: settings, folder / "status", watch, Waker(folder / "wakeup"), desk)
