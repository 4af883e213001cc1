"""Whether a TCP port of this machine is free, and who has it when it is not."""

from __future__ import annotations

import errno
import socket
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
_LISTENS = "0A"


def port_refusal(bind: str, port: int) -> OSError | None:
    """Why nobody can listen there now; None when one could. The port is held for a moment and not listened on."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind((bind, port))
    except OSError as error:
        return error
    return None


def listener_of(port: int) -> str:
    """`process 123 (name)` of who listens on a port, as far as /proc tells this user; empty when it does not."""
    wanted = {f"socket:[{inode}]" for inode in _inodes(port)}
    if not wanted:
        return ""
    for process in PROC.glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or is another user's
            for descriptor in (process / "fd").iterdir():
                with suppress(OSError):
                    if str(descriptor.readlink()) in wanted:
                        return f"process {process.name} ({(process / 'comm').read_text(errors='replace').strip()})"
    return ""


def explained(bind: str, port: int, refusal: OSError, setting: str) -> tuple[str, str]:
    """A sentence about a port that cannot be had, and what to do about it."""
    what = f"cannot listen on {bind}:{port}: {refusal.strerror}"
    match refusal.errno:
        case errno.EADDRINUSE:
            who = listener_of(port)
            return what + (f": {who} has it" if who else ""), f"Stop that program, or change {setting}.port."
        case errno.EADDRNOTAVAIL:
            return (
                what,
                f"No interface of this machine has this address: 'ip address' shows them. Change {setting}.bind.",
            )
        case errno.EACCES:
            return (
                what,
                f"Ports below 1024 need CAP_NET_BIND_SERVICE, which hilum.service gives; or change {setting}.port.",
            )
    return what, f"Look at {setting}.bind and {setting}.port."


def _inodes(port: int) -> set[str]:
    found = set()
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (PROC / "net" / table).read_text().splitlines()[1:]:
                words = line.split()
                if words[3] == _LISTENS and int(words[1].rpartition(":")[2], 16) == port:
                    found.add(words[9])
    return found
