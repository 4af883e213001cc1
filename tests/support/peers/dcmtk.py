"""DCMTK's programs as peers: `storescp` as an archive, and finding a program or skipping the test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.peers.ports import free_port, is_listening


def find_program(name: str) -> str | None:
    """Path of a DCMTK program. pynetdicom installs programs of the same names beside the Python that runs the tests:
    those are passed over."""
    beside_python = Path(sys.executable).parent.resolve()
    folders = [folder for folder in os.get_exec_path() if Path(folder).resolve() != beside_python]
    return shutil.which(name, path=os.pathsep.join(folders))


def program(name: str) -> str:
    """Path of a DCMTK program; skips the test when it is missing."""
    path = find_program(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


class StoreSCP:
    """A running `storescp` that writes what it receives, bit by bit, to `folder`."""

    def __init__(self, folder: Path, ae_title: str = "STORESCP", *options: str) -> None:
        self.folder, self.ae_title, self.options = folder, ae_title, options
        self.host, self.port = "127.0.0.1", free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    @property
    def log_path(self) -> Path:
        return self.folder.with_suffix(".log")

    def start(self, timeout_s: float = 30.0) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [program("storescp"), "-v", "-aet", self.ae_title, "-od", str(self.folder), "+B", *self.options]
        # storescp waits for its own Nagle delay by default: that is how people run it, so it stays.
        environment = {key: value for key, value in os.environ.items() if key != "TCP_NODELAY"}
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen([*command, str(self.port)], stdout=log, stderr=log, env=environment)
        deadline = time.monotonic() + timeout_s
        while not is_listening(self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"storescp did not start:\n{self.log[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def files(self) -> list[Path]:
        return sorted(path for path in self.folder.iterdir() if path.is_file())


@contextmanager
def running_storescp(folder: Path, ae_title: str = "STORESCP", *options: str) -> Iterator[StoreSCP]:
    peer = StoreSCP(folder, ae_title, *options)
    try:
        peer.start()
        yield peer
    finally:
        peer.stop()
