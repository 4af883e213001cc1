"""Work on a node's data that was interrupted: a node does not start beside it, because it would begin anew."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from scp_node.errors import ConfigurationError
from scp_node.settings import Settings
from scp_node.settings.places import database_url

# Folders in the data folder that are made first and removed last.
RESTORING, REBUILDING = "restoring", "rebuilding"


def check_not_interrupted(settings: Settings) -> None:
    """Raise ConfigurationError where what is in the data folder is not, or not all of, the node's data."""
    data_dir, ledger = settings.node.data_dir, ledger_file(settings)
    if (data_dir / RESTORING).exists():
        raise ConfigurationError(f"{data_dir}: a restore was interrupted: run 'hilum restore' again")
    if (data_dir / REBUILDING).exists() and ledger is not None and not ledger.exists():
        raise ConfigurationError(f"{data_dir}: a rebuild was interrupted: run 'hilum rebuild' again")


def ledger_file(settings: Settings) -> Path | None:
    """The file of the ledger; None where it is in a database of its own."""
    url = sa.make_url(database_url(settings))
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None
