"""The receiver is killed as it enters each system call of a C-STORE in turn: before the name, before each fsync, before
the commit, before the response. What it had acknowledged is there when it runs again, and the sender's next attempt is
taken.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.crash.load import DX, Instances, store_again
from tests.support.crash.promises import broken_promises, integrity
from tests.support.crash.strace import injecting
from tests.support.node.receiving_process import ReceivingProcess
from tests.support.peers.raw_scu import EXPLICIT_LE, RawPeer

pytestmark = pytest.mark.peer("strace")
POINTS_MAX = 20


@pytest.mark.parametrize(
    ("call", "points"),
    # the file is named, file and folder are fsynced, row and job committed; three answers are sent, one to the C-STORE
    [("link,linkat", 1), ("unlink,unlinkat", 1), ("fsync", 2), ("fdatasync", 1), ("sendto", 3)],
)
def test_a_kill_at_each_step_of_a_store_loses_nothing_acknowledged(tmp_path: Path, call: str, points: int) -> None:
    instances, promised = Instances(rows=100, columns=100), dict[str, str]()
    receiver = ReceivingProcess(tmp_path)
    try:
        for when in range(1, POINTS_MAX):
            uid, data = instances.next()
            with injecting(receiver.pid, call, "signal=KILL", when, tmp_path / "trace"), suppress(ConnectionError):
                store(receiver.port, uid, data, promised, instances.sha256(uid))
            if receiver.process.poll() is None:
                break
            receiver.kill()
            receiver = ReceivingProcess(tmp_path)
            assert broken_promises(tmp_path, promised) == []
            assert store_again(receiver.port, instances, {uid}) == {uid: 0x0000}
            promised[uid] = instances.sha256(uid)
    finally:
        receiver.kill()
    assert points < when < POINTS_MAX - 1
    assert uid in promised, "without a fault it is stored"
    assert broken_promises(tmp_path, promised) == []
    assert integrity(tmp_path) == "ok"


def store(port: int, uid: str, data: bytes, promised: dict[str, str], sha256: str) -> None:
    with RawPeer(port, timeout_s=60) as peer:
        peer.associate([(DX, EXPLICIT_LE)])
        if peer.store(data, DX, uid).status == 0x0000:
            promised[uid] = sha256
        peer.release()
