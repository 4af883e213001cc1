"""Where the parts of a node are: from the settings to database, spool, models and names."""

from __future__ import annotations

import hashlib
import socket
from pathlib import Path

from scp_node.host.boot import boot_id
from scp_node.settings.model import Settings


def database_url(settings: Settings) -> str:
    return settings.storage.database_url or default_url(settings.node.data_dir)


def in_use_lock(data_dir: Path) -> Path:
    """Shared by the processes of a node, and held alone by what replaces its data."""
    return data_dir / "locks" / "data.lock"


def spool_dir(settings: Settings) -> Path:
    """The folder of the spool, where the bytes are files: of this machine, or shared by several."""
    return settings.storage.spool_dir or settings.node.data_dir / "spool"


def part_locks_dir(settings: Settings) -> Path:
    """Which part files of a shared spool this machine has in work."""
    return settings.node.data_dir / "locks" / "parts"


def copies_dir(settings: Settings) -> Path:
    """Copies of objects, where the bytes are in an object store."""
    return settings.node.data_dir / "copies"


def wakeup_path(settings: Settings) -> Path:
    """The pipe by which receiver and commands wake the worker of this data folder."""
    return settings.node.data_dir / "locks" / "worker.wakeup"


def shadow_wakeup_path(settings: Settings) -> Path:
    """The pipe of the process that runs second models; nobody wakes it, it looks by itself."""
    return settings.node.data_dir / "locks" / "shadow.wakeup"


def host_id(settings: Settings) -> str:
    """What people call this machine: at most 60 characters."""
    return settings.node.host_id or socket.gethostname()[:60]


def worker_name(settings: Settings) -> str:
    """There is one worker for each data folder of a host, held by its lock.

    Hosts on one PostgreSQL may be clones, with one name, and containers may have the same path for different folders: a
    worker that took another one's name would free its jobs. There the start of the machine and the folder itself tell
    them apart, and after a restart of the machine its jobs wait until their leases have ended.
    """
    folder = settings.node.data_dir.resolve()
    told = str(folder)
    if not database_url(settings).startswith("sqlite"):
        there = folder.stat()
        told = f"{told} {there.st_dev} {there.st_ino} {boot_id()}"
    return f"{host_id(settings)}-{hashlib.sha256(told.encode()).hexdigest()[:12]}"


def model_folders(settings: Settings) -> tuple[Path, ...]:
    """Where model packages are looked for: the site's own folder, then the shipped one."""
    return tuple(dict.fromkeys((own_models_dir(settings), shipped_models_dir())))


def own_models_dir(settings: Settings) -> Path:
    """Where `hilum models add` puts packages: `inference.models_dir`, or `models` in the data folder."""
    return settings.inference.models_dir or settings.node.data_dir / "models"


def shipped_models_dir() -> Path:
    """The packages that came with this installation, or with this checkout."""
    scp_node = Path(__file__).resolve().parents[1]
    shipped = scp_node / "share" / "models"
    return shipped if shipped.is_dir() else scp_node.parent / "models"


def handbook_dir() -> Path:
    """The pages of the handbook that came with this installation, or with this checkout."""
    scp_node = Path(__file__).resolve().parents[1]
    shipped = scp_node / "share" / "config" / "handbook"
    return shipped if shipped.is_dir() else scp_node.parent / "config" / "handbook"


def shipped_recipes_dir() -> Path:
    """The recipes that models are trained by, as they came with this installation, or with this checkout."""
    scp_node = Path(__file__).resolve().parents[1]
    shipped = scp_node / "share" / "config"
    return (shipped if shipped.is_dir() else scp_node.parent / "config") / "training"


def default_url(data_dir: Path) -> str:
    return f"sqlite:///{(data_dir / 'ledger.db').resolve()}"
