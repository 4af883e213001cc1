"""What a node does before its roles start: says what it is, looks whether it can work, takes its data folder."""

from __future__ import annotations

import logging
import os
import platform
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path

from scp_node.checks.configuration import checked
from scp_node.checks.result import CheckedNode, CheckResult
from scp_node.checks.table import Asker, Check, looked_at, obstacles
from scp_node.errors import ModelUnusable
from scp_node.host.lock_file import HeldLock, exclusive, shared
from scp_node.host.private_folder import keep_folder_private
from scp_node.inference.packages import find_package
from scp_node.ledger.database import migrate, open_database
from scp_node.node.role import LOCK_WAIT_S, replaced
from scp_node.recovery.interrupted import check_not_interrupted
from scp_node.settings import Settings
from scp_node.settings.file import SettingsFile, refused
from scp_node.settings.places import database_url, in_use_lock, model_folders
from scp_node.settings.strict_yaml import Problem

log = logging.getLogger(__name__)
DISTRIBUTION = "hilum"


def tell_what_starts(config: Path, settings: Settings, roles: Sequence[str]) -> None:
    """The first line of the log: whoever reads it later knows what ran here."""
    log.info(
        "Hilum starts",
        extra={
            "version": version(DISTRIBUTION),
            "python": platform.python_version(),
            "config": str(config.absolute()),
            "data_dir": str(settings.node.data_dir),
            "models": [_label(settings, route.model) for route in settings.routes],
            "providers": settings.inference.providers,
            "roles": roles,
            "pid": os.getpid(),
            "host": socket.gethostname(),
        },
    )


def problems_of(file: SettingsFile, roles: Sequence[str]) -> list[Problem]:
    """What `hilum check-config` would say of a file; what it warns of goes to the log."""
    seen = checked(file, roles)
    if not seen.problems:
        _warn(seen.found)
    return list(seen.problems)


@contextmanager
def data_folder_taken(file: SettingsFile, settings: Settings, roles: Sequence[str]) -> Iterator[list[HeldLock]]:
    """Check, hold the data folder for these roles, look at the ports, and bring the ledger's tables up to date. Raises
    ConfigurationError, which says all that is in the way."""
    if problems := problems_of(file, roles):
        raise refused(file.path, problems)
    keep_folder_private(settings.node.data_dir)
    with ExitStack() as stack:
        paths = [settings.node.data_dir / "locks" / f"node-{role}.lock" for role in roles]
        locks = [stack.enter_context(exclusive(path, LOCK_WAIT_S, wait_for_the_living=False)) for path in paths]
        data_dir = settings.node.data_dir
        stack.enter_context(shared(in_use_lock(data_dir), LOCK_WAIT_S, replaced(data_dir)))
        found = list(looked_at(CheckedNode(settings, tuple(roles)), Asker.SERVE, alone=True))
        if problems := obstacles(file, found):
            raise refused(file.path, problems)
        _warn(found)
        prepare(settings)
        yield locks


def prepare(settings: Settings) -> None:
    """Bring the ledger's tables up to date, before any role opens them."""
    check_not_interrupted(settings)
    engine = open_database(database_url(settings), settings.storage.postgresql.limits("command"))
    try:
        migrate(engine)
    finally:
        engine.dispose()


def _warn(found: Sequence[tuple[Check, CheckResult]]) -> None:
    for check, result in found:
        if result.state != "ok":
            level = logging.WARNING if result.state == "warning" else logging.ERROR
            log.log(
                level, "a check of the start", extra={"check": check.name, "found": result.fact, "to_do": result.remedy}
            )


def _label(settings: Settings, model: str) -> str:
    try:
        return find_package(model_folders(settings), model).label
    except (ModelUnusable, OSError):
        return model  # the checks say what is wrong with it
