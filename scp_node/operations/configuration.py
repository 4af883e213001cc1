"""Puts a changed configuration in the place of the present one, and has the running node read it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import signal
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from converter.page.counted import counted
from scp_node.checks.configuration import checked
from scp_node.errors import UsageError
from scp_node.host.lock_file import holder_of
from scp_node.operations.acts import ActOutcome, Operator
from scp_node.settings.file import settings_of
from scp_node.settings.reloading import ReloadOutcome, last_reload
from scp_node.settings.strict_yaml import FILE_BYTES_MAX
from scp_node.telemetry.heartbeat import status_folder

# Earlier files that are kept beside the present one; the oldest goes first.
KEPT_MAX = 20
ANSWER_S, LOOK_S = 10.0, 0.1


@dataclass(frozen=True)
class Placed:
    """A file that was put in place. `reload`: what the node made of it; None where no node was told, which
    `not_told` explains, or where none has answered in time."""

    sha256: str
    former: Path
    reload: ReloadOutcome | None = None
    not_told: str = ""


def obstacle_to_placing(config: Path) -> str:
    """Why this process cannot put another file in this place; empty where it can."""
    try:
        found = config.lstat()
    except OSError as error:
        return f"{config} cannot be looked at: {error.strerror}"
    if stat.S_ISLNK(found.st_mode):
        return f"{config} is a symbolic link: what it leads to belongs to somebody else"
    if not stat.S_ISREG(found.st_mode):
        return f"{config} is not a regular file"
    if os.geteuid() not in (0, found.st_uid):
        return f"{config} belongs to another user, and would not any more"
    if not os.access(config.parent, os.W_OK | os.X_OK, effective_ids=True):
        return f"the folder {config.parent} cannot be written by the user of the node"
    return ""


def is_former(config: Path, name: str) -> bool:
    """Whether a file of that name stands beside the present one, and was replaced by it or before."""
    return name in [path.name for path in _former(config)]


def put_in_place(config: Path, content: bytes, seen_sha256: str, data_dir: Path, operator: Operator) -> Placed:
    """Replace the file as a whole, keep the former one beside it, and tell the node that runs on `data_dir`.

    `seen_sha256`: of the present file as the operator has seen it. Raises UsageError, and leaves all as it was, when
    the file has changed meanwhile, when the new one has problems, and when it cannot be written.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    outcome: ActOutcome = "failed"
    try:
        former = _replaced(config, content, seen_sha256)
        outcome = "done"
    except UsageError:
        outcome = "refused"
        raise
    finally:
        detail = f"SHA-256 {seen_sha256[:12]} to {sha256[:12]}"
        operator.record("put-configuration", "configuration", config.name, outcome, detail)
    reload, not_told = tell_node(data_dir, sha256)
    return Placed(sha256, former, reload, not_told)


def tell_node(data_dir: Path, sha256: str) -> tuple[ReloadOutcome | None, str]:
    """Have the supervisor that started this process read its configuration, and wait for what it says of it. Without
    one, why nobody was told."""
    holder = holder_of(data_dir / "locks" / "node-web.lock")
    if holder is None or holder.host != socket.gethostname() or holder.pid != os.getppid():
        return None, "no supervisor of a node has started this process: have the node read its file with SIGHUP"
    began = datetime.now(UTC)
    os.kill(holder.pid, signal.SIGHUP)
    deadline = time.monotonic() + ANSWER_S
    while time.monotonic() < deadline:
        answer = last_reload(status_folder(data_dir))
        if answer is not None and answer.at >= began and answer.sha256 == sha256:
            return answer, ""
        time.sleep(LOOK_S)
    return None, ""


def _replaced(config: Path, content: bytes, seen_sha256: str) -> Path:
    """Where the former file is now. Raises UsageError."""
    if refusal := obstacle_to_placing(config):
        raise UsageError(refusal)
    if problems := checked(settings_of(config, content)).problems:
        raise UsageError(
            f"the new file has {counted(len(problems), 'problem')}, the first in line {problems[0].place.line}"
        )
    try:
        with _folder(config.parent) as folder:
            found, present = _present(config.name, folder)
            if hashlib.sha256(present).hexdigest() != seen_sha256:
                raise UsageError(f"{config.name} has been changed meanwhile: look at it again")
            former = f"{config.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}"
            _write(folder, former, present, found)
            part = f".{config.name}.{secrets.token_hex(8)}.part"
            try:
                _write(folder, part, content, found)
                os.replace(part, config.name, src_dir_fd=folder, dst_dir_fd=folder)
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(part, dir_fd=folder)
            os.fsync(folder)
            _forget_oldest(config)
    except OSError as error:
        raise UsageError(f"{config} cannot be replaced: {error.strerror}") from error
    return config.with_name(former)


@contextmanager
def _folder(path: Path) -> Iterator[int]:
    """The folder, which nobody else replaces a configuration in meanwhile. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield descriptor
    finally:
        os.close(descriptor)


def _present(name: str, folder: int) -> tuple[os.stat_result, bytes]:
    """The file as it is, no link and no pipe. Raises OSError and UsageError."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(name, flags, dir_fd=folder), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise UsageError(f"{name} is not a regular file any more")
        return found, file.read(FILE_BYTES_MAX + 1)


def _write(folder: int, name: str, content: bytes, like: os.stat_result) -> None:
    """A new file, durable, with owner and mode of another one. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(name, flags, 0o600, dir_fd=folder), "wb") as file:
        if (os.geteuid(), os.getegid()) != (like.st_uid, like.st_gid):
            os.fchown(file.fileno(), like.st_uid, like.st_gid)
        os.fchmod(file.fileno(), stat.S_IMODE(like.st_mode))
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _forget_oldest(config: Path) -> None:
    """Keep the last KEPT_MAX of the former files."""
    for path in _former(config)[:-KEPT_MAX]:
        with suppress(OSError):
            path.unlink()


def _former(config: Path) -> list[Path]:
    """The oldest first."""
    return sorted(path for path in config.parent.iterdir() if path.name.startswith(f"{config.name}.before-"))
