"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scp_node.engine.wakeup import Waker
from scp_node.errors import UsageError
from scp_node.ledger import Ledger
from scp_node.ledger.database import open_database
from scp_node.settings.file import load_settings
from scp_node.settings.places import database_url, wakeup_path

ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", help="Configuration of the node.", envvar="HILUM_CONFIG", show_default=True)
]
DEFAULT_CONFIG = Path("config/node.yaml")


def open_ledger(config: Path) -> Ledger:
    """The ledger of a configured node. Raises UsageError when the node has never run."""
    settings = load_settings(config)
    if settings.storage.database_url is None and not (settings.node.data_dir / "ledger.db").exists():
        raise UsageError(f"no ledger under {settings.node.data_dir}: has 'hilum serve' run with {config}?")
    return Ledger(open_database(database_url(settings)))


def open_jobs(config: Path) -> tuple[Ledger, Waker]:
    """Ledger, and what tells the worker that there is something to do."""
    return open_ledger(config), Waker(wakeup_path(load_settings(config)))
