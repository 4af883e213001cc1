"""Faults in the system calls of a running process, by strace."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.peers.dcmtk import program

ATTACH_TIMEOUT_S = 20.0
DETACH_TIMEOUT_S = 5.0


@dataclass
class Fault:
    """The paths of the calls that were made to fail with an error."""

    failed: list[str] = field(default_factory=list)


@contextmanager
def injecting(pid: int, call: str, action: str, when: int, trace: Path) -> Iterator[Fault]:
    """`action` befalls each thread's `when`-th such call: error=EIO, signal=KILL (see strace -e inject)."""
    inject = f"inject={call}:{action}:when={when}"
    command = [program("strace"), "-f", "-y", "-s", "0", "-p", str(pid), "-o", str(trace)]
    strace = subprocess.Popen(
        [*command, "-e", f"trace={call}", "-e", inject], stderr=subprocess.PIPE, text=True, bufsize=1
    )
    assert strace.stderr is not None
    fault = Fault()
    try:
        deadline = time.monotonic() + ATTACH_TIMEOUT_S
        while not _is_traced(pid):
            if strace.poll() is not None:
                pytest.skip("strace may not attach here")
            if time.monotonic() > deadline:
                raise TimeoutError("strace does not attach")
            time.sleep(0.01)
        yield fault
    finally:
        if strace.poll() is None:
            strace.send_signal(signal.SIGINT)
        try:
            strace.communicate(timeout=DETACH_TIMEOUT_S)
        except subprocess.TimeoutExpired:  # it may wait for ever for a thread that it has killed
            strace.kill()
            strace.communicate()
    for line in trace.read_text().splitlines():
        if line.endswith("(INJECTED)"):
            # strace -y shows the path of a descriptor as 7</path>
            fault.failed += re.findall(r'(?:\d+<|")(/[^>"]*)[>"]', line)[:1]


def _is_traced(pid: int) -> bool:
    """Whether all of its threads are; one that ends meanwhile does not count."""
    for task in (Path("/proc") / str(pid) / "task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):
            if "TracerPid:\t0\n" in (task / "status").read_text():
                return False
    return True
