"""The n-th write, fsync or rename of one C-STORE fails with EIO, for n = 1, 2, 3... until no call is left to fail.

Whatever fails: the answer is true, C-ECHO is answered, nothing acknowledged is lost, and the same process takes the
next instance; only after a failed fsync it takes nothing more until it is started again. The faults are real errors
of system calls, injected by strace into the thread that serves the association.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.crash.load import DX, Instances
from tests.support.crash.promises import broken_promises, integrity
from tests.support.crash.strace import Fault, injecting
from tests.support.node.receiving_process import ReceivingProcess
from tests.support.peers.raw_scu import EXPLICIT_LE, VERIFICATION, RawPeer

pytestmark = pytest.mark.peer("strace")
CALLS_MAX = 200


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
            with injecting(receiver.pid, call, "error=EIO", when, tmp_path / "trace") as fault:
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
            with injecting(receiver.pid, call, "error=EIO", when, tmp_path / "trace") as fault:
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
