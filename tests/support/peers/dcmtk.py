"""DCMTK's programs as peers: `storescp` as an archive, and finding a program or skipping the test."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.support.peers.ports import free_port, is_listening
from tests.support.peers.program import Program, running


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


def environment_as_shipped() -> dict[str, str]:
    """This environment without DCMTK's switch against Nagle's delay: the delay is how people run its programs."""
    return {key: value for key, value in os.environ.items() if key != "TCP_NODELAY"}


class StoreSCP(Program):
    """A running `storescp` that writes what it receives, bit by bit, to `folder`."""

    name = "storescp"

    def __init__(self, folder: Path, ae_title: str = "STORESCP", *options: str) -> None:
        super().__init__(folder.with_suffix(".log"))
        self.folder, self.ae_title, self.options = folder, ae_title, options
        self.host, self.port = "127.0.0.1", free_port()

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [program("storescp"), "-v", "-aet", self.ae_title, "-od", str(self.folder), "+B", *self.options]
        self.launch([*command, str(self.port)], lambda: is_listening(self.port), environment=environment_as_shipped())

    def files(self) -> list[Path]:
        return sorted(path for path in self.folder.iterdir() if path.is_file())


def running_storescp(folder: Path, ae_title: str = "STORESCP", *options: str) -> AbstractContextManager[StoreSCP]:
    return running(StoreSCP(folder, ae_title, *options))
