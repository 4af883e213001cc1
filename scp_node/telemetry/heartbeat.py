"""Each role says once a second that it lives, whether it is ready, and what it has counted: one small file a role,
replaced as a whole, which the web role reads. Whoever hangs or dies falls silent, and that counts as not ready.

Times are of the monotonic clock, which all processes of a machine share and nobody sets.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from prometheus_client import CollectorRegistry, generate_latest

from converter.regular_file import open_regular

log = logging.getLogger(__name__)
HEARTBEAT_S = 1.0
SILENT_MAX_S = 5.0
STATUS_BYTES_MAX = 1024 * 1024
_SUFFIX = ".json"


@dataclass(frozen=True)
class RoleStatus:
    """What a role says of itself. It is ready when nothing stands in its way; `metrics` is Prometheus text."""

    role: str
    obstacles: tuple[str, ...]
    said_at: float
    metrics: str = ""


def status_folder(data_dir: Path) -> Path:
    return data_dir / "status"


def beside_folder(folder: Path) -> Path:
    """Where a role says how it is without which the node is ready all the same."""
    return folder / "beside"


def write_status(folder: Path, status: RoleStatus) -> None:
    """Replace what is known of a role. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    document = {"obstacles": status.obstacles, "said_at": status.said_at, "metrics": status.metrics}
    part = folder / f"{status.role}.{os.getpid()}-{threading.get_ident()}.part"
    try:
        part.write_text(json.dumps(document), encoding="utf-8")
        part.replace(folder / f"{status.role}{_SUFFIX}")
    finally:
        part.unlink(missing_ok=True)


def forget_status(folder: Path, role: str) -> None:
    """The role is not meant to run any more."""
    for path in (folder / f"{role}{_SUFFIX}", *folder.glob(f"{role}.*.part")):
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def read_statuses(folder: Path, now: float) -> list[RoleStatus]:
    """Every role that was started here and not stopped; one that fell silent is told from one that speaks."""
    return [_read_status(path, now) for path in sorted(folder.glob(f"*{_SUFFIX}"))]


def _read_status(path: Path, now: float) -> RoleStatus:
    role = path.stem
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            document = json.loads(file.read(STATUS_BYTES_MAX))
        said_at, metrics = float(document["said_at"]), str(document["metrics"])
        obstacles = tuple(map(str, document["obstacles"]))
    except (OSError, ValueError, TypeError, KeyError):
        return RoleStatus(role, ("its status cannot be read",), now)
    if not 0 <= now - said_at <= SILENT_MAX_S:  # what was said before the machine started lies in the future
        silent = f"no sign of life for {now - said_at:.0f} s" if now > said_at else "no sign of life"
        return RoleStatus(role, (silent, *obstacles), said_at)
    return RoleStatus(role, obstacles, said_at, metrics)


class Heartbeat:
    """The voice of one role, from the start of its process to its end."""

    def __init__(self, folder: Path, role: str, registry: CollectorRegistry) -> None:
        self._folder, self._role, self._registry = folder, role, registry
        self._obstacles: Callable[[], list[str]] = lambda: ["is starting"]
        self._speaking = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._is_mute = False

    def __enter__(self) -> Heartbeat:
        self._beat()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopped.set()
        self._thread.join()
        self._say(lambda: ["has ended"])

    def ready_unless(self, obstacles: Callable[[], list[str]]) -> None:
        """From now on ready, but for what `obstacles` names at each beat."""
        self._say(obstacles)

    def stopping(self) -> None:
        """Not ready any more: said before anything is closed, so that nobody is sent here meanwhile."""
        self._say(lambda: ["is stopping"])

    def _say(self, obstacles: Callable[[], list[str]]) -> None:
        self._obstacles = obstacles
        self._beat()

    def _run(self) -> None:
        while not self._stopped.wait(HEARTBEAT_S):
            self._beat()

    def _beat(self) -> None:
        with self._speaking:
            try:
                obstacles = tuple(self._obstacles())
                metrics = generate_latest(self._registry).decode()
                write_status(self._folder, RoleStatus(self._role, obstacles, time.monotonic(), metrics))
            except Exception as error:
                if not self._is_mute:
                    log.warning("role cannot say how it is", exc_info=error)
                self._is_mute = True
            else:
                self._is_mute = False
