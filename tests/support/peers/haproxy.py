"""Debian's HAProxy with the configuration that is shipped, on addresses of this machine; ended by its process id."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from tests.support.checkout import CONFIG
from tests.support.peers.ports import free_port, is_listening
from tests.support.peers.program import Program, running

SHIPPED = CONFIG / "deploy" / "haproxy.cfg"


def accepts(configuration: Path) -> subprocess.CompletedProcess[str]:
    """What HAProxy says of a configuration."""
    command = [str(shutil.which("haproxy")), "-c", "-f", str(configuration)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


class Haproxy(Program):
    """Balances over `ports` of this machine, and reaches them from the address `source`."""

    name = "HAProxy"

    def __init__(self, folder: Path, ports: Sequence[int], source: str) -> None:
        super().__init__(folder / "haproxy.log")
        self.path, self.ports, self.source = folder / "haproxy.cfg", ports, source
        self.host, self.port = "127.0.0.1", free_port()

    def start(self) -> None:
        self.path.write_text(self._configuration())
        command = [str(shutil.which("haproxy")), "-db", "-f", str(self.path)]
        self.launch(command, lambda: is_listening(self.port))

    def _configuration(self) -> str:
        """The shipped one with other addresses, and without the system's log."""
        text = SHIPPED.read_text()
        kept = re.sub(r"^    (server |log ).*\n", "", text, flags=re.MULTILINE)
        assert text.count("10.0.0.5:11112") == 1
        here = kept.replace("10.0.0.5:11112", f"{self.host}:{self.port}").replace("inter 2s", "inter 200ms")
        servers = [f"    server r{port} 127.0.0.1:{port} source {self.source}" for port in self.ports]
        return "\n".join([here.rstrip(), *servers, ""])


def balancing(folder: Path, *ports: int, source: str) -> AbstractContextManager[Haproxy]:
    return running(Haproxy(folder, ports, source))
