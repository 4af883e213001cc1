"""A decoding child that tries what the content of its file says, and tells by which error it ended."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import resource
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np

from converter.declined import Declined
from converter.image.convert import Converted
from converter.image.open_file import OpenFile
from converter.package.intended_use import IntendedUse
from converter.package.network import InputSpec
from scp_node.decode.child import serve

DONE = "done"
LIBC = ctypes.CDLL(None, use_errno=True)
PTRACE_ATTACH, PROCESS_VM_READV, PIDFD_OPEN = 16, {"x86_64": 310, "aarch64": 270}, 434
IO_URING_SETUP, BPF, USERFAULTFD = 425, {"x86_64": 321, "aarch64": 280}, {"x86_64": 323, "aarch64": 282}
MACHINE = os.uname().machine
F_SETSIG = 10


def _call(*arguments: object) -> None:
    if LIBC.syscall(*arguments) < 0:
        raise OSError(ctypes.get_errno(), "refused")


def _ptrace() -> None:
    if LIBC.ptrace(PTRACE_ATTACH, os.getppid(), None, None) < 0:
        raise OSError(ctypes.get_errno(), "refused")


def _own_signal() -> None:
    """Have the kernel send a signal to the parent, by a descriptor that is readable."""
    reading, _ = os.pipe()
    fcntl.fcntl(reading, F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(reading, fcntl.F_SETOWN, os.getppid())


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


# What is tried in which folder.
ATTEMPTS: dict[str, Callable[[Path], object]] = {
    "make a socket": lambda _: socket.socket(),
    "make a Unix socket": lambda _: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM),
    "make a pair of sockets": lambda _: socket.socketpair(),
    "connect to 127.0.0.1": lambda _: socket.create_connection(("127.0.0.1", 1), 1),
    "read /etc/passwd": lambda _: Path("/etc/passwd").read_bytes(),
    "read a file of the folder": lambda folder: (folder / "kept").read_bytes(),
    "read its own program": lambda _: Path(__file__).read_bytes(),
    "read by another name of the descriptor": lambda _: os.open("/proc/self/fd/0", os.O_RDONLY),
    "list a folder": lambda folder: list(folder.iterdir()),
    "write a file": lambda folder: (folder / "new").write_bytes(b"a byte"),
    "write to /tmp": lambda _: Path("/tmp/hilum-escaped").touch(),
    "make a folder": lambda folder: (folder / "new").mkdir(),
    "make a pipe with a name": lambda folder: os.mkfifo(folder / "new"),
    "delete a file": lambda folder: (folder / "kept").unlink(),
    "rename a file": lambda folder: (folder / "kept").rename(folder / "new"),
    "link a file": lambda folder: os.link(folder / "kept", folder / "new"),
    "link a file symbolically": lambda folder: (folder / "new").symlink_to(folder / "kept"),
    "cut a file off": lambda folder: os.truncate(folder / "kept", 0),
    "change the mode of a file": lambda folder: (folder / "kept").chmod(0o777),
    "change the owner of a file": lambda folder: os.chown(folder / "kept", 1, 1),
    "change the time of a file": lambda folder: os.utime(folder / "kept", (0, 0)),
    "change the root": lambda folder: os.chroot(folder),
    "change the folder": lambda folder: os.chdir(folder),
    "run a program": lambda _: os.execv("/bin/true", ["true"]),
    "start a program": lambda _: subprocess.run(["/bin/true"], check=True),
    "fork": lambda _: _fork(),
    "trace the parent": lambda _: _ptrace(),
    "read the memory of the parent": lambda _: os.open(f"/proc/{os.getppid()}/mem", os.O_RDONLY),
    "write the memory of the parent": lambda _: os.open(f"/proc/{os.getppid()}/mem", os.O_RDWR),
    "read the environment of the parent": lambda _: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
    "read the memory of the parent by a call": lambda _: _call(PROCESS_VM_READV[MACHINE], os.getppid(), 0, 0, 0, 0, 0),
    "take a descriptor of the parent": lambda _: _call(PIDFD_OPEN, os.getppid(), 0),
    "kill the parent": lambda _: os.kill(os.getppid(), signal.SIGKILL),
    "send a signal to the parent": lambda _: os.kill(os.getppid(), signal.SIGURG),
    "send a signal to all": lambda _: os.kill(-1, signal.SIGURG),
    "send a signal to its group": lambda _: os.kill(0, signal.SIGKILL),
    "have a signal sent to the parent": lambda _: _own_signal(),
    "limit the parent": lambda _: resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1)),
    "slow the parent down": lambda _: os.setpriority(os.PRIO_PROCESS, os.getppid(), 19),
    "become somebody else": lambda _: os.setuid(65534),
    "become readable again": lambda _: _call(*((157, 4, 1) if MACHINE == "x86_64" else (167, 4, 1)), 0, 0, 0),
    "make memory a program": lambda _: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC),
    "watch faults of memory": lambda _: _call(USERFAULTFD[MACHINE], 0),
    "load a program into the kernel": lambda _: _call(BPF[MACHINE], 0, 0, 0),
    "make a ring of calls": lambda _: _call(IO_URING_SETUP, 1, 0),
    "own the descriptor of the parent": lambda _: os.open(f"/proc/{os.getppid()}/fd/0", os.O_RDONLY),
}
# Decoders need these.
NEEDED: dict[str, Callable[[Path], object]] = {
    "take memory": lambda _: np.ones(1 << 24),
    "ask the time": lambda _: os.times(),
    "draw by lot": lambda _: os.urandom(8),
    "know itself": lambda _: os.getpid(),
    "limit itself": lambda _: resource.setrlimit(resource.RLIMIT_CPU, resource.getrlimit(resource.RLIMIT_CPU)),
}


def convert(
    file: OpenFile, spec: InputSpec, use: IntendedUse | None, preview_side_max: int, pixels_max: int, bytes_max: int
) -> Converted | Declined:
    attempt, _newline, folder = file.read_bytes().decode().partition("\n")
    try:
        {**ATTEMPTS, **NEEDED}[attempt](Path(folder))
    except OSError as error:
        return Declined("undecodable", errno.errorcode.get(error.errno or 0, type(error).__name__))
    return Declined("undecodable", DONE)


if __name__ == "__main__":
    serve(convert)
