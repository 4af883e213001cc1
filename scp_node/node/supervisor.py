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
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, cast

from scp_node.engine.retry import Backoff, retry_table
from scp_node.errors import ConfigurationError
from scp_node.host.processors import ONE_THREAD
from scp_node.monitoring.certificate_expiry import CertificateWatch
from scp_node.node.role import ROLES, SHADOW
from scp_node.node.settings_feed import CONFIG_VARIABLE, write_settings
from scp_node.node.start import data_folder_taken, problems_of, tell_what_starts
from scp_node.settings.file import SettingsSource
from scp_node.settings.reloading import PROBLEMS_MAX, ReloadOutcome, followed, write_reload
from scp_node.telemetry.heartbeat import RoleStatus, beside_folder, forget_status, status_folder, write_status
from scp_node.telemetry.logs import configure_logging

log = logging.getLogger(__name__)
STOP_GRACE_S = 10.0
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
        self._source = SettingsSource(config, lambda file: problems_of(file, roles))
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
        roles = [role.role for role in self._roles]
        tell_what_starts(self._source.path, settings, roles)
        with data_folder_taken(self._source.file, settings, roles) as locks:
            forget_status(beside_folder(status_folder(settings.node.data_dir)), SHADOW)
            for role in self._roles:
                if role.role != SHADOW or settings.has_shadow:
                    self._note(role.role, "is starting")
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: self._stop.set())
            signal.signal(signal.SIGHUP, lambda *_: self._reload.set())
            try:
                while not self._stop.wait(0.1):
                    self._tend()
            finally:
                for lock in locks:
                    lock.say_ending()
                self._end_roles(settings.workers.drain_s + STOP_GRACE_S)
                for role in self._roles:
                    forget_status(self._folder_of(role.role), role.role)
        log.info("node stopped")
        return self._exit_code

    def _tend(self) -> None:
        self._certificate_watch.look(self._settings.tls)
        if self._reload.is_set():
            self._reload.clear()
            self._take_changes()
        for role in self._roles:
            if role.process is None:
                if role.role == SHADOW and not self._settings.has_shadow:
                    continue
                if time.monotonic() >= role.restart_at:
                    self._start(role)
            elif role.process.poll() is not None:
                self._died(role, role.process.returncode)

    def _take_changes(self) -> None:
        """Read the file again, tell the roles what has changed, and write down what came of it."""
        changed = self._source.reload()
        kept_back: list[str] = []
        if changed:
            self._settings, kept_back = followed(self._settings, self._source.current)
            for section in kept_back:
                log.warning("this change takes effect when the node is started again", extra={"section": section})
            for role in self._roles:
                if role.process is not None and role.process.stdin is not None:
                    write_settings(cast(BinaryIO, role.process.stdin), self._settings)
        problems = tuple(problem.lines(self._source.path.name) for problem in self._source.last_problems)
        outcome = ReloadOutcome(
            self._source.last_read.sha256, datetime.now(UTC), tuple(changed), tuple(kept_back), problems[:PROBLEMS_MAX]
        )
        with suppress(OSError):
            write_reload(status_folder(self._settings.node.data_dir), outcome)

    def _start(self, role: RoleProcess) -> None:
        try:
            role.process = subprocess.Popen(
                [sys.executable, "-m", "scp_node.node.role", role.role],
                stdin=subprocess.PIPE,
                env={**ONE_THREAD, **os.environ, CONFIG_VARIABLE: str(self._source.path.absolute())},
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
        the web role."""
        if role == WEB:
            return
        with suppress(OSError):
            write_status(self._folder_of(role), RoleStatus(role, (obstacle,), time.monotonic()))

    def _folder_of(self, role: str) -> Path:
        """The node is ready without the shadow role."""
        folder = status_folder(self._settings.node.data_dir)
        return beside_folder(folder) if role == SHADOW else folder

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


def serve(config: Path, only: Sequence[str] = ()) -> int:
    """Run the node of `config`. Raises ConfigurationError when the file cannot be used or the node already runs."""
    unknown = sorted(set(only) - set(ROLES))
    if unknown:
        raise ConfigurationError(f"unknown role {', '.join(unknown)}; there are {', '.join(ROLES)}")
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    return Supervisor(config, [role for role in ROLES if not only or role in only]).run()
