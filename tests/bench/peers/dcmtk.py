"""DCMTK's storescp: as shipped, and with the switch that turns Nagle's algorithm off."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from tests.bench.peers.process import PeerProcess, dcmtk_program, version_line
from tests.support.peers.dcmtk import environment_as_shipped


class StoreSCP(PeerProcess):
    """One process an association, as Debian ships it. It writes the file and never calls fsync."""

    name = "storescp"
    ae_title = "STORESCP"
    environment: Mapping[str, str] = MappingProxyType({})
    options: tuple[str, ...] = ()

    def start(self, folder: Path) -> None:
        program = dcmtk_program("storescp")
        received = folder / "received"
        received.mkdir()
        command = [program, "--fork", "-aet", self.ae_title, "-od", str(received), "+xa", *self.options, str(self.port)]
        self.spawn(command, folder, {**environment_as_shipped(), **self.environment})

    def describe(self) -> str:
        settings = " ".join(f"{key}={value}" for key, value in self.environment.items())
        options = " ".join(("--fork", "+xa", *self.options))
        shown = version_line(dcmtk_program("storescp"), "--version").replace("$dcmtk: ", "").replace(" $", "")
        return f"{shown}, `{settings}{' ' if settings else ''}storescp {options}`; no fsync"


class StoreSCPNoDelay(StoreSCP):
    name = "storescp NODELAY"
    environment = MappingProxyType({"TCP_NODELAY": "1"})


class StoreSCPTuned(StoreSCPNoDelay):
    """As fast as it goes: written as received, with the largest PDU it offers."""

    name = "storescp tuned"
    options = ("+B", "--max-pdu", "131072")
