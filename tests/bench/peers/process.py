"""A peer as a process of the bench: started with a log, waited for, ended by its id."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.support.peers.ports import free_port, is_listening

START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 30.0


class PeerProcess:
    """A program that listens for DICOM. Subclasses say how it is called."""

    name = ""
    ae_title = "PEER"
    # How many associations it serves at the same time as it is shipped; None is more than the bench opens.
    associations_max: int | None = None

    def __init__(self) -> None:
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.log_path = Path(os.devnull)

    @property
    def pids(self) -> list[int]:
        """What counts as this peer; children belong to it."""
        return [] if self.process is None else [self.process.pid]

    def start(self, folder: Path) -> None:
        """Start with an empty `folder` as the place for everything it writes; returns when it takes associations."""
        raise NotImplementedError

    def describe(self) -> str:
        """Program, version and every setting that differs from how it is shipped."""
        raise NotImplementedError

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_TIMEOUT_S)
        self.process = None

    def spawn(
        self,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str] | None = None,
        is_ready: Callable[[], bool] | None = None,
    ) -> None:
        """Run `command` and wait until it listens and, where given, `is_ready`."""
        self.log_path = folder / "peer.log"
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=folder)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not (is_listening(self.port) and (is_ready is None or is_ready())):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} did not start:\n{self.log()[-3000:]}")
            time.sleep(0.05)

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")


def dcmtk_program(name: str) -> str:
    """Where DCMTK's program is. The environment of pynetdicom has programs of the same names, which are not meant."""
    own = Path(sys.prefix, "bin")
    places = (place for place in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(place) != own)
    program = shutil.which(name, path=os.pathsep.join(places))
    if program is None:
        raise FileNotFoundError(f"{name} is not installed (Debian package dcmtk)")
    return program


def version_line(*command: str) -> str:
    """First line that a program says about itself."""
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    return (shown.stdout or shown.stderr).strip().splitlines()[0].strip()


def plain_environment() -> dict[str, str]:
    """This environment without DCMTK's switch, which changes how its programs send."""
    return {key: value for key, value in os.environ.items() if key != "TCP_NODELAY"}
