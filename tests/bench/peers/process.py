"""A peer as a process of the bench: started with a log, waited for, ended by its id."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.support.peers.dcmtk import find_program
from tests.support.peers.ports import free_port, is_listening
from tests.support.peers.program import Program


class PeerProcess(Program):
    """A program that listens for DICOM. Subclasses say how it is called."""

    stop_timeout_s = 30.0
    ae_title = "PEER"
    # How many associations it serves at the same time as it is shipped; None is more than the bench opens.
    associations_max: int | None = None

    def __init__(self) -> None:
        super().__init__(Path(os.devnull))
        self.port = free_port()

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

    def spawn(
        self,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str] | None = None,
        is_ready: Callable[[], bool] | None = None,
    ) -> None:
        """Run `command` and wait until it listens and, where given, `is_ready`."""
        self.log_path = folder / "peer.log"
        self.launch(command, lambda: is_listening(self.port) and (is_ready is None or is_ready()), folder, environment)


def dcmtk_program(name: str) -> str:
    """Where DCMTK's program is."""
    program = find_program(name)
    if program is None:
        raise FileNotFoundError(f"{name} is not installed (Debian package dcmtk)")
    return program


def version_line(*command: str) -> str:
    """First line that a program says about itself."""
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    return (shown.stdout or shown.stderr).strip().splitlines()[0].strip()
