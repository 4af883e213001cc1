"""What a running node does with a changed configuration, and what came of the last change, for whoever asked for it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from converter.regular_file import read_regular
from scp_node.settings.model import Settings

FIXED_SECTIONS = ("node", "storage", "inference", "workers", "web", "logging")
# Beside the states of the roles, and none of them: its name does not end like theirs.
FILE_NAME = "configuration-reload"
FILE_BYTES_MAX, PROBLEMS_MAX = 256 * 1024, 50


@dataclass(frozen=True)
class ReloadOutcome:
    """One reading of the file by the supervisor: which bytes, when, and what came of it. `changed`: sections;
    `kept_back`: those of them that take effect when the node is started again. With `problems` nothing was taken."""

    sha256: str
    at: datetime
    changed: tuple[str, ...] = ()
    kept_back: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def followed(running: Settings, new: Settings) -> tuple[Settings, list[str]]:
    """The settings that a running node goes on with after a reload, and the sections it keeps as they were.

    Sockets, folders, database, processes and sessions do not change while the node runs. A role that is started again
    meanwhile gets the kept sections too. TLS is kept when the new section would expose the socket that stays open.
    """
    kept: tuple[str, ...] = FIXED_SECTIONS
    if new.model_copy(update={"node": running.node}).exposes_plaintext:
        kept = (*kept, "tls")
    kept_back = [name for name in kept if getattr(running, name) != getattr(new, name)]
    return new.model_copy(update={name: getattr(running, name) for name in kept}), kept_back


def write_reload(folder: Path, reload: ReloadOutcome) -> None:
    """Raises OSError."""
    part = folder / f"{FILE_NAME}.part"
    part.write_text(json.dumps(asdict(reload) | {"at": reload.at.isoformat()}), encoding="utf-8")
    part.replace(folder / FILE_NAME)


def last_reload(folder: Path) -> ReloadOutcome | None:
    """What came of the last change; None where there was none, or where it cannot be read."""
    try:
        said = json.loads(read_regular(folder / FILE_NAME, FILE_BYTES_MAX))
        words = {name: tuple(map(str, said[name])) for name in ("changed", "kept_back", "problems")}
        return ReloadOutcome(str(said["sha256"]), datetime.fromisoformat(said["at"]), **words)
    except (OSError, ValueError, KeyError, TypeError):
        return None
