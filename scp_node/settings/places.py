"""Where the parts of a node are: from the settings to database, spool, models and names."""

from __future__ import annotations

import hashlib
import socket
from pathlib import Path

from scp_node.settings.model import Settings


def database_url(settings: Settings) -> str:
    return settings.storage.database_url or default_url(settings.node.data_dir)


def wakeup_path(settings: Settings) -> Path:
    """The pipe by which receiver and commands wake the worker of this data folder."""
    return settings.node.data_dir / "locks" / "worker.wakeup"


def shadow_wakeup_path(settings: Settings) -> Path:
    """The pipe of the process that runs second models; nobody wakes it, it looks by itself."""
    return settings.node.data_dir / "locks" / "shadow.wakeup"


def worker_name(settings: Settings) -> str:
    """There is one worker for each data folder of a host, held by its lock."""
    folder = hashlib.sha256(str(settings.node.data_dir.resolve()).encode()).hexdigest()[:12]
    return f"{socket.gethostname()[:60]}-{folder}"


def models_dir(settings: Settings) -> Path:
    return settings.inference.models_dir or shipped_models_dir()


def shipped_models_dir() -> Path:
    """The packages that came with this installation, or with this checkout."""
    scp_node = Path(__file__).resolve().parents[1]
    shipped = scp_node / "share" / "models"
    return shipped if shipped.is_dir() else scp_node.parent / "models"


def default_url(data_dir: Path) -> str:
    return f"sqlite:///{(data_dir / 'ledger.db').resolve()}"
