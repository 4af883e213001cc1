"""Keeps a folder of patient data for the user of the node alone: made so, or closed when it is found open."""

from __future__ import annotations

import logging
import os
import shlex
import stat
from contextlib import suppress
from pathlib import Path

from scp_node.errors import ConfigurationError
from scp_node.host.ownership import cannot_write, chown_line, user_name

log = logging.getLogger(__name__)
OTHERS = 0o077
FOLDER_MODE = 0o700


def keep_folder_private(folder: Path) -> None:
    """Make `folder` with its parents, or close it and what lies directly in it to group and others.

    Who cannot look into a folder sees nothing below it. Raises ConfigurationError when it cannot be made, or is open
    and belongs to another user, who alone may close it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
        if refusal := opened_by_another(folder):
            raise ConfigurationError(refusal)
        was_open = bool(folder.stat().st_mode & OTHERS)
        if was_open:
            folder.chmod(FOLDER_MODE)
        closed = _close_entries(folder)
    except OSError as error:
        raise ConfigurationError(cannot_write(folder, error)) from error
    if was_open or closed:
        log.warning("data folder was open to others and is closed now", extra={"folder": str(folder), "closed": closed})


def opened_by_another(folder: Path) -> str:
    """Why a folder that is there cannot hold patient data: others may look into it, and this user cannot close it. Two
    lines, or nothing. Raises OSError."""
    found = folder.stat()
    if not found.st_mode & OTHERS or found.st_uid == os.geteuid():
        return ""
    return (
        f"{folder}: holds patient data, but is open to others (mode {stat.S_IMODE(found.st_mode):04o}) and "
        f"belongs to {user_name(found.st_uid)}, while the node runs as {user_name()}\n"
        f"    As root: {chown_line(folder)} && chmod 700 {shlex.quote(str(folder))}; or set node.data_dir to a folder "
        "in it, which the node makes."
    )


def _close_entries(folder: Path) -> int:
    """Take the rights of group and others from what lies in `folder`; links are left as they are. Returns how many."""
    closed = 0
    for entry in os.scandir(folder):
        with suppress(FileNotFoundError, PermissionError):  # gone meanwhile, or another user's
            mode = entry.stat(follow_symlinks=False).st_mode
            if mode & OTHERS and not stat.S_ISLNK(mode):
                Path(entry.path).chmod(stat.S_IMODE(mode) & ~OTHERS)
                closed += 1
    return closed
