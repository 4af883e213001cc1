"""The n-th write, fsync or rename of one C-STORE fails with EIO, for n = 1, 2, 3... until no call is left to fail.

Whatever fails: the answer is true, C-ECHO is answered, nothing acknowledged is lost, and the same process takes the
next instance; only after a failed fsync it takes nothing more until it is started again. The faults are real errors
of system calls, injected by strace into the thread that serves the association.
"""

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

from tests.support.dcmtk import program
from tests.support.load import DX, Instances, broken_promises, integrity
from tests.support.raw_scu import EXPLICIT_LE, VERIFICATION, RawPeer
from tests.support.receiving_process import ReceivingProcess

pytestmark = pytest.mark.peer("strace")
ATTACH_TIMEOUT_S = 20.0
CALLS_MAX = 200


@dataclass
class Fault:
    """The paths of the calls that were made to fail."""

    failed: list[str] = field(default_factory=list)


@contextmanager
def failing(receiver: ReceivingProcess, call: str, when: int, trace: Path) -> Iterator[Fault]:
    """Each thread's `when`-th such call fails with EIO."""
    inject = f"inject={call}:error=EIO:when={when}"
    command = [program("strace"), "-f", "-y", "-s", "0", "-p", str(receiver.pid), "-o", str(trace)]
    strace = subprocess.Popen(
        [*command, "-e", f"trace={call}", "-e", inject], stderr=subprocess.PIPE, text=True, bufsize=1
    )
    assert strace.stderr is not None
    fault = Fault()
    try:
        deadline = time.monotonic() + ATTACH_TIMEOUT_S
        while not _is_traced(receiver.pid):
            if strace.poll() is not None or time.monotonic() > deadline:
                pytest.skip("strace may not attach here")
            time.sleep(0.01)
        yield fault
    finally:
        if strace.poll() is None:
            strace.send_signal(signal.SIGINT)
        strace.communicate(timeout=30)
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


def send(receiver: ReceivingProcess, uid: str, data: bytes) -> tuple[int, str]:
    """Status and comment of one C-STORE over an association and thread of its own; C-ECHO works all the while."""
    with RawPeer(receiver.port, timeout_s=60) as peer:
        peer.associate([(DX, EXPLICIT_LE), (VERIFICATION, EXPLICIT_LE)])
        assert peer.echo(context_id=3).status == 0x0000
        response = peer.store(data, DX, uid)
        assert peer.echo(context_id=3).status == 0x0000
        peer.release()
    return response.status, response.comment


@pytest.mark.parametrize(
    ("call", "suffixes"),
    [
        ("writev", {".part"}),
        ("pwrite64", {".db-wal"}),
        ("link,linkat", {".part"}),
        ("openat", {".part", ""}),
    ],
)
def test_a_call_that_fails_costs_one_refusal(tmp_path: Path, call: str, suffixes: set[str]) -> None:
    instances, promised, failed = Instances(rows=100, columns=100), dict[str, str](), set[str]()
    with ReceivingProcess(tmp_path) as receiver:
        warm_up, data = instances.next()
        assert send(receiver, warm_up, data)[0] == 0x0000
        for when in range(1, CALLS_MAX):
            uid, data = instances.next()
            with failing(receiver, call, when, tmp_path / "trace") as fault:
                status, comment = send(receiver, uid, data)
            check_answer(status, comment, fault)
            if status == 0x0000:
                promised[uid] = instances.sha256(uid)
            assert broken_promises(tmp_path, promised) == []
            assert send(receiver, uid, data) == (0x0000, ""), "the same process takes it when it is sent again"
            promised[uid] = instances.sha256(uid)
            failed |= {Path(path).suffix for path in fault.failed}
            if not fault.failed:
                break
        assert broken_promises(tmp_path, promised) == []
    assert not fault.failed and failed == suffixes
    assert integrity(tmp_path) == "ok"


@pytest.mark.parametrize(("call", "suffixes"), [("fsync", {"", ".part"}), ("fdatasync", {".db-wal"})])
def test_after_a_failed_fsync_nothing_is_taken_until_a_restart(tmp_path: Path, call: str, suffixes: set[str]) -> None:
    instances, promised, failed = Instances(rows=100, columns=100), dict[str, str](), set[str]()
    receiver = ReceivingProcess(tmp_path)
    try:
        for when in range(1, CALLS_MAX):
            (uid, data), (later, later_data) = instances.next(), instances.next()
            with failing(receiver, call, when, tmp_path / "trace") as fault:
                status, comment = send(receiver, uid, data)
            check_answer(status, comment, fault)
            failed |= {Path(path).suffix for path in fault.failed}
            if not fault.failed:
                promised[uid] = instances.sha256(uid)
                break
            assert status == 0xA700
            assert send(receiver, later, later_data)[0] == 0xA700
            receiver.kill()
            assert broken_promises(tmp_path, promised) == []
            receiver = ReceivingProcess(tmp_path)
            for one, content in ((uid, data), (later, later_data)):
                assert send(receiver, one, content) == (0x0000, "")
                promised[one] = instances.sha256(one)
    finally:
        receiver.kill()
    assert not fault.failed and failed == suffixes
    assert broken_promises(tmp_path, promised) == []
    assert integrity(tmp_path) == "ok"


def check_answer(status: int, comment: str, fault: Fault) -> None:
    """Refused with a reason, or taken; never refused without a fault."""
    print(fault.failed, hex(status), comment)
    assert (status, bool(comment)) in ((0x0000, False), (0xA700, True))
    assert status == 0x0000 or fault.failed
