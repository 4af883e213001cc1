"""Whose a file or folder is, and what to type when it is not ours."""

from __future__ import annotations

import grp
import os
import pwd
import shlex
import stat
from pathlib import Path


def user_name(uid: int | None = None) -> str:
    """Name of a user of the operating system, by default the one this process runs as."""
    uid = os.geteuid() if uid is None else uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # a container may run as a user that has no name
        return f"uid {uid}"


def owned_by(path: Path) -> str:
    """`mode 0755, of root` of something that is there. Raises OSError."""
    found = path.stat()
    return f"mode {stat.S_IMODE(found.st_mode):04o}, of {user_name(found.st_uid)}"


def chown_line(path: Path) -> str:
    """The line that gives `path` and all below it to the user of this process."""
    try:
        owner = f"{pwd.getpwuid(os.geteuid()).pw_name}:{grp.getgrgid(os.getegid()).gr_name}"
    except KeyError:
        owner = f"{os.geteuid()}:{os.getegid()}"
    return f"chown -R {owner} {shlex.quote(str(path))}"


def nearest(path: Path) -> Path:
    """`path`, or the innermost folder on the way to it that is there and can be seen."""
    for candidate in (path, *path.parents):
        try:
            candidate.stat()
        except OSError:
            continue
        return candidate
    return Path(path.anchor)


def cannot_write(path: Path, error: OSError) -> str:
    """That `path` cannot be made or written, whose it is, and what to do; two lines."""
    there = nearest(path)
    quoted = shlex.quote(str(path))
    if not there.is_dir() and not path.exists():
        reason, whose = f"{there} is no folder", owned_by(there)
    else:
        reason, whose = (
            error.strerror or str(error),
            owned_by(there) if there == path else f"{there} has {owned_by(there)}",
        )
    remedy = f"As root: mkdir -p {quoted} && {chown_line(path)}; or set" if there.is_dir() else "Move it away, or set"
    return (
        f"{path}: cannot be used for the node's data: {reason} ({whose}; the node runs as {user_name()})\n"
        f"    {remedy} node.data_dir to another folder."
    )
