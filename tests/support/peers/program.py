"""A program of a test as a process of its own: what it prints is in a file, and it is ended by its id."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

START_TIMEOUT_S = 90.0
LOG_SHOWN = 4000


class Program:
    """`launch` and `stop` may alternate, as in a machine that is started again. Subclasses say how it is called."""

    name = "the program"
    stop_timeout_s = 60.0

    def __init__(self, log_path: Path) -> None:
        self.log_path = log_path
        self.process: subprocess.Popen[bytes] | None = None

    def launch(
        self,
        command: Sequence[str],
        is_ready: Callable[[], bool],
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Run `command` and wait until it is ready."""
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=folder)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} did not start:\n{self.log()[-LOG_SHOWN:]}")
            time.sleep(0.05)

    def stop(self) -> int:
        """Ask it to end, insist after a while; its exit code."""
        if self.process is None:
            return 0
        self.process.terminate()
        try:
            code = self.process.wait(self.stop_timeout_s)
        except subprocess.TimeoutExpired:
            return self.kill()
        self.process = None
        return code

    def kill(self) -> int:
        """kill -9."""
        assert self.process is not None
        self.process.kill()
        code = self.process.wait(self.stop_timeout_s)
        self.process = None
        return code

    def log(self, start: int = 0) -> str:
        """What it has printed from this byte on."""
        with self.log_path.open("rb") as file:
            file.seek(start)
            return file.read().decode(errors="replace")


class Startable(Protocol):
    """What `running` starts and stops."""

    def start(self) -> None: ...

    def stop(self) -> object: ...


S = TypeVar("S", bound=Startable)


@contextmanager
def running(program: S) -> Iterator[S]:
    try:
        program.start()
        yield program
    finally:
        program.stop()
