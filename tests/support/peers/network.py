"""Networks of their own for peers and hosts: what listens in one is reachable from nowhere else, and none outlives the
program that made it, however that ends."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

_MARK = "HILUM_PRIVATE_NETWORK"


def enter(module: str) -> bool:
    """Run `python -m module` again in a network and a process namespace of its own. True inside; False where this user
    may not make one, or where programs for it are missing."""
    if os.environ.get(_MARK):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return True
    unshare = shutil.which("unshare")
    command = [unshare or "", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        command += ["--user", "--map-root-user"]
    if unshare is None or shutil.which("ip") is None or subprocess.run([*command, "true"], check=False).returncode:
        return False
    inside = [*command, sys.executable, "-m", module, *sys.argv[1:]]
    return os.execve(unshare, inside, {**os.environ, _MARK: "1"})


class SiteNetwork:
    """The network of a hospital inside the one of `enter`: this process has the addresses `own` on a bridge, and each
    host has one in a namespace of its own, behind a cable."""

    def __init__(self, *own: str) -> None:
        self._holders: dict[str, subprocess.Popen[bytes]] = {}
        _ip("link add site type bridge")
        for address in own:
            _ip(f"address add {address}/24 dev site")
        _ip("link set site up")

    def add(self, name: str, address: str) -> tuple[str, ...]:
        """A host of this name, of eight letters at most; the command that starts a program in its network."""
        holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"], stdin=subprocess.DEVNULL)
        self._holders[name] = holder
        _wait_for_a_network_of_its_own(holder.pid)
        inside = ("nsenter", f"--net=/proc/{holder.pid}/ns/net", "--")
        _ip(f"link add {name} type veth peer name card netns {holder.pid}")
        _ip(f"link set {name} master site up")
        for command in ("link set lo up", f"address add {address}/24 dev card", "link set card up"):
            _ip(command, inside)
        return inside

    def pull(self, name: str) -> None:
        """The cable of a host is pulled: its connections stay open, and nothing comes through."""
        _ip(f"link set {name} down")

    def plug(self, name: str) -> None:
        _ip(f"link set {name} up")

    def close(self) -> None:
        for holder in self._holders.values():
            holder.kill()
            holder.wait()
        _ip("link delete site")


def _ip(words: str, inside: tuple[str, ...] = ()) -> None:
    subprocess.run([*inside, "ip", *words.split()], check=True)


def _wait_for_a_network_of_its_own(pid: int) -> None:
    ours = Path("/proc/self/ns/net").readlink()
    while Path(f"/proc/{pid}/ns/net").readlink() == ours:
        time.sleep(0.01)
