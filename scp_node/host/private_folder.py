"""Keeps a folder of patient data for the user of the node alone: made so, or closed when it is found open."""

from __future__ import annotations

import logging
import os
import pwd
import stat
from contextlib import suppress
from pathlib import Path

from scp_node.errors import ConfigurationError

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
        found = folder.stat()
        was_open = bool(found.st_mode & OTHERS)
        if was_open and found.st_uid != os.geteuid():
            raise ConfigurationError(
                f"{folder}: holds patient data, but is open to others (mode {stat.S_IMODE(found.st_mode):04o}) and "
                f"belongs to {_name(found.st_uid)}, while the node runs as {_name(os.geteuid())}\n"
                f"    Run 'chmod 700' and 'chown' on it, or set node.data_dir to a folder in it, which the node makes."
            )
        if was_open:
            folder.chmod(FOLDER_MODE)
        closed = _close_entries(folder)
    except OSError as error:
        raise ConfigurationError(
            f"{folder}: cannot be used for the node's data: {error.strerror}\n"
            f"    It has to belong to {_name(os.geteuid())}, who runs the node, or to lie where this user may write."
        ) from error
    if was_open or closed:
        log.warning("data folder was open to others and is closed now", extra={"folder": str(folder), "closed": closed})


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


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # a container may run as a user that has no name
        return f"uid {uid}"
