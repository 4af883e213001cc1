"""The supervisor of a node: it starts one process a role, and starts a role again that died."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from scp_node.engine.retry import Backoff, retry_table
from scp_node.errors import ConfigurationError, ModelMissing, ModelUnusable
from scp_node.host.lock_file import exclusive
from scp_node.host.private_folder import keep_folder_private
from scp_node.host.processors import ONE_THREAD
from scp_node.inference.packages import find_package
from scp_node.ledger.database import migrate, open_database
from scp_node.monitoring.certificate_expiry import CertificateWatch
from scp_node.node.role import LOCK_WAIT_S, ROLES, SHADOW
from scp_node.node.settings_feed import write_settings
from scp_node.settings import Settings
from scp_node.settings.cautions import cautions
from scp_node.settings.file import SettingsSource
from scp_node.settings.places import database_url, models_dir
from scp_node.telemetry.heartbeat import RoleStatus, forget_status, status_folder, write_status
from scp_node.telemetry.logs import configure_logging

log = logging.getLogger(__name__)
STOP_GRACE_S = 10.0
FIXED_SECTIONS = ("node", "storage", "inference", "workers", "web", "logging")
WEB = "web"


@dataclass
class RoleProcess:
    """One role, its current process, and when the next one is started. `deaths` are those of the last while."""

    role: str
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    restart_at: float = 0.0
    deaths: int = 0
    starts: int = 0

    def died(self, backoff: Backoff, reset_s: float, moment: float) -> float:
        """Plan the next start; after a process that lived for `reset_s`, the waits begin anew."""
        if moment - self.started_at > reset_s:
            self.deaths = 0
        return self.start_later(backoff, moment)

    def start_later(self, backoff: Backoff, moment: float) -> float:
        """Plan the next start; returns after how many seconds."""
        self.deaths += 1
        wait_s = backoff.wait_s(self.deaths)
        self.restart_at = moment + wait_s
        return wait_s


class Supervisor:
    """Runs the roles of one configuration file until SIGTERM or SIGINT; SIGHUP reloads the file."""

    def __init__(self, config: Path, roles: Sequence[str]) -> None:
        self._source = SettingsSource(config)
        self._settings = self._source.current
        self._roles = [RoleProcess(role) for role in roles]
        self._stop = threading.Event()
        self._reload = threading.Event()
        self._certificate_watch = CertificateWatch()
        self._exit_code = 0

    def run(self) -> int:
        """Block until stopped; returns the exit code of the node."""
        settings = self._settings
        configure_logging(settings.logging.level, settings.logging.format)
        keep_folder_private(settings.node.data_dir)
        lock = settings.node.data_dir / "locks" / f"node-{'-'.join(role.role for role in self._roles)}.lock"
        with exclusive(lock, LOCK_WAIT_S):
            prepare(settings)
            warn_of_what_is_open(settings)
            for role in self._roles:
                self._note(role.role, "is starting")
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: self._stop.set())
            signal.signal(signal.SIGHUP, lambda *_: self._reload.set())
            try:
                while not self._stop.wait(0.1):
                    self._tend()
            finally:
                self._end_roles(settings.workers.drain_s + STOP_GRACE_S)
                for role in self._roles:
                    forget_status(status_folder(settings.node.data_dir), role.role)
        log.info("node stopped")
        return self._exit_code

    def _tend(self) -> None:
        self._certificate_watch.look(self._settings.tls)
        if self._reload.is_set():
            self._reload.clear()
            if self._source.reload(check_models):
                self._settings, kept_back = followed(self._settings, self._source.current)
                for section in kept_back:
                    log.warning("this change takes effect when the node is started again", extra={"section": section})
                warn_of_what_is_open(self._settings)
                for role in self._roles:
                    if role.process is not None and role.process.stdin is not None:
                        write_settings(cast(BinaryIO, role.process.stdin), self._settings)
        for role in self._roles:
            if role.process is None:
                if role.role == SHADOW and not self._settings.has_shadow:
                    continue
                if time.monotonic() >= role.restart_at:
                    self._start(role)
            elif role.process.poll() is not None:
                self._died(role, role.process.returncode)

    def _start(self, role: RoleProcess) -> None:
        try:
            role.process = subprocess.Popen(
                [sys.executable, "-m", "scp_node.node.role", role.role],
                stdin=subprocess.PIPE,
                env={**ONE_THREAD, **os.environ},
            )
        except OSError as error:
            log.error("role cannot be started", extra={"role": role.role, "reason": error.strerror})
            role.start_later(self._restarting, time.monotonic())
            return
        write_settings(cast(BinaryIO, role.process.stdin), self._settings)
        role.started_at = time.monotonic()
        role.starts += 1
        log.info("role started", extra={"role": role.role, "pid": role.process.pid})

    def _died(self, role: RoleProcess, code: int) -> None:
        assert role.process is not None and role.process.stdin is not None
        with suppress(OSError):
            role.process.stdin.close()
        role.process = None
        # a role that cannot even start once is configured wrongly; one that ran before may run again
        if code == ConfigurationError.exit_code and role.starts == 1 and role.role != SHADOW:
            self._exit_code = code
            self._stop.set()
            return
        wait_s = role.died(self._restarting, self._settings.workers.restart_reset_s, time.monotonic())
        self._note(role.role, f"died with exit code {code} and is started again")
        log.error("role died", extra={"role": role.role, "exit": code, "restart_in_s": wait_s})

    def _note(self, role: str, obstacle: str) -> None:
        """Write the status of a role that cannot write its own. The web role has none, because whoever asks for it asks
        the web role. The shadow role has none, because the node is ready without it."""
        if role in (WEB, SHADOW):
            return
        folder = status_folder(self._settings.node.data_dir)
        with suppress(OSError):
            write_status(folder, RoleStatus(role, (obstacle,), time.monotonic()))

    @property
    def _restarting(self) -> Backoff:
        return retry_table(self._settings.workers, self._settings.delivery)["role"].backoff

    def _end_roles(self, wait_s: float) -> None:
        """Stop the web role last: until then it answers that the node is stopping."""
        deadline = time.monotonic() + wait_s
        for is_last in (False, True):
            _end([role.process for role in self._roles if role.process and (role.role == WEB) == is_last], deadline)


def _end(running: Sequence[subprocess.Popen[bytes]], deadline: float) -> None:
    for process in running:
        process.terminate()
    for process in running:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.error("role did not stop in time and is killed", extra={"pid": process.pid})
            process.kill()
            process.wait()


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


def warn_of_what_is_open(settings: Settings) -> None:
    for caution in cautions(settings):
        log.warning("the settings leave something open", extra={"caution": caution})


def check_models(settings: Settings) -> None:
    """Raise ModelMissing or ModelUnusable, naming the key, when the package of a route's model cannot be used. The
    package of a second model has to exist, but the node also runs when it is broken."""
    for number, route in enumerate(settings.routes):
        labels = set()
        for key, model in (("model", route.model), ("shadow", route.shadow)):
            try:
                if model is not None:
                    labels.add(find_package(models_dir(settings), model).label)
            except ModelMissing as error:
                raise ModelMissing(f"routes[{number}].{key} (route '{route.name}'): {error}") from error
            except ModelUnusable:
                if key == "model":
                    raise
        if route.shadow in labels and len(labels) == 1:
            raise ConfigurationError(
                f"routes[{number}].shadow: {route.shadow} is what '{route.model}' stands for itself"
            )


def prepare(settings: Settings) -> None:
    """Bring the ledger's tables up to date, before any role opens them."""
    check_models(settings)
    engine = open_database(database_url(settings))
    try:
        migrate(engine)
    finally:
        engine.dispose()


def serve(config: Path, only: Sequence[str] = ()) -> int:
    """Run the node of `config`. Raises ConfigurationError when the file cannot be used or the node already runs."""
    unknown = sorted(set(only) - set(ROLES))
    if unknown:
        raise ConfigurationError(f"unknown role {', '.join(unknown)}; there are {', '.join(ROLES)}")
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    return Supervisor(config, [role for role in ROLES if not only or role in only]).run()
