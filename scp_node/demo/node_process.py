"""The real node as a child process with a configuration of its own, for as long as the demonstration lasts."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import scp_node
from scp_node.deliver.dimse.association import Association
from scp_node.deliver.dimse.negotiation import Proposal
from scp_node.deliver.dimse.peer import Peer
from scp_node.deliver.outcomes import PeerFault
from scp_node.dimse.uids import IMPLICIT_LE, VERIFICATION
from scp_node.errors import HilumError

NODE_AE_TITLE, MODALITY_AE_TITLE, ARCHIVE_AE_TITLE = "HILUM", "DEMO_MODALITY", "DEMO_ARCHIVE"
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 45.0
LOG_LINES_SHOWN = 15
ROLES = ("--only", "receiver", "--only", "worker", "--only", "web")
_LINK = re.compile(r" link=(http\S+/set-up/\S+)")


class NodeFailed(HilumError):
    """The node ended by itself or did not answer in time; below the message stands the end of its log."""

    code = "node-failed"

    def __init__(self, message: str, log_end: tuple[str, ...]) -> None:
        super().__init__(message)
        self.further_lines = log_end


@dataclass(frozen=True)
class NodeProcess:
    """A running node: where it listens, for DICOM and for browsers, and what it runs with."""

    port: int
    web_port: int
    config: Path
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def peer(self) -> Peer:
        """The node as the demonstration's modality calls it."""
        return Peer("127.0.0.1", self.port, NODE_AE_TITLE, MODALITY_AE_TITLE, 5.0, 60.0)

    def check_alive(self) -> None:
        """Raises NodeFailed when the process has ended."""
        code = self.process.poll()
        if code is not None:
            raise NodeFailed(f"the node ended with exit code {code}; the end of its log:", self.log_end())

    @property
    def console(self) -> str:
        return f"http://127.0.0.1:{self.web_port}/"

    def console_link(self) -> str:
        """By which the first person comes in, who chooses name and password; the console may start later than the
        receiver. The plain address where there is none."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while not (found := _LINK.findall(self.log.read_text(errors="replace"))) and time.monotonic() < deadline:
            self.check_alive()
            time.sleep(0.1)
        return found[-1] if found else self.console

    def log_end(self) -> tuple[str, ...]:
        return tuple(self.log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:])


@contextmanager
def running_node(folder: Path, archive_port: int) -> Iterator[NodeProcess]:
    """Start a node that sends its results to the archive on `archive_port`, wait until it answers C-ECHO, and stop it
    at the end. Everything it writes is in `folder`."""
    port, web_port = _free_port(), _free_port()
    config, log = folder / "node.yaml", folder / "node.log"
    config.write_text(yaml.safe_dump(configuration(port, web_port, archive_port), sort_keys=False))
    # The package may run from a checkout that is not installed: the child finds it where this process did.
    package_root = str(Path(scp_node.__file__).parents[1])
    path = os.pathsep.join(filter(None, [package_root, os.environ.get("PYTHONPATH")]))
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "scp_node.cli", "serve", "--config", str(config), *ROLES],
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
        )
    node = NodeProcess(port, web_port, config, log, process)
    try:
        _wait_until_it_answers(node)
        yield node
    finally:
        _stop(process)


def configuration(port: int, web_port: int, archive_port: int) -> dict[str, Any]:
    """A whole configuration: the ten lines an admin writes, and what makes a demonstration quick and modest."""
    return {
        "node": {"ae_title": NODE_AE_TITLE, "bind": "127.0.0.1", "port": port, "data_dir": "./data"},
        "remote_aes": {
            # Nothing is sent to the modality; the port only has to be one.
            "modality": {"ae_title": MODALITY_AE_TITLE, "host": "127.0.0.1", "port": 104, "may_send": True},
            "archive": {"ae_title": ARCHIVE_AE_TITLE, "host": "127.0.0.1", "port": archive_port},
        },
        "routes": [
            {
                "name": "chest",
                "when": {"from": ["modality"]},
                "model": "pneumonia",
                "results": ["sr", "heatmap"],
                "to": ["archive"],
            }
        ],
        "web": {"port": web_port},
        "report": {"quiet_period_s": 2},
        "storage": {"used_percent_max": 100, "free_bytes_min": 256 * 1024**2},
    }


def _wait_until_it_answers(node: NodeProcess) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    reason = ""
    while time.monotonic() < deadline:
        node.check_alive()
        try:
            association = Association(node.peer, [Proposal(VERIFICATION, IMPLICIT_LE)])
            if association.echo().status == 0:
                association.release()
                return
            association.abort()
        except PeerFault as fault:
            reason = str(fault)
        time.sleep(0.1)
    raise NodeFailed(f"the node did not answer C-ECHO within {START_TIMEOUT_S:g} s ({reason}):", node.log_end())


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end; where that takes too long, or the person does not wait for it, end it."""
    try:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_TIMEOUT_S)
    finally:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
