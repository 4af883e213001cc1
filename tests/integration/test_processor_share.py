"""A node that is busy with pixels still takes images in: its pixel work steps back, threads are bounded."""

from __future__ import annotations

import os
from pathlib import Path

from scp_node.node.worker import BEHIND_WORKER
from tests.support.dicom.phantoms import make_dx
from tests.support.node.node import RunningNode
from tests.support.peers.modality import store
from tests.support.waiting import until

NICENESS = 6


def children_of(pid: int) -> list[int]:
    lists = [(task / "children").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    return [int(child) for child in " ".join(lists).split()]


def role_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")[-1]


def priorities(pid: int) -> set[int]:
    """Of every thread of a process."""
    return {os.getpriority(os.PRIO_PROCESS, int(task.name)) for task in Path(f"/proc/{pid}/task").iterdir()}


def test_worker_and_decoding_children_step_back_behind_the_receiver(tmp_path: Path) -> None:
    node = RunningNode(tmp_path / "node", {"pacs": ("NOBODY", 1)}, workers={"niceness": NICENESS})
    own = os.getpriority(os.PRIO_PROCESS, 0)
    try:
        node.start()
        assert store(node.port, [make_dx()]) == [0x0000]
        assert node.process is not None
        roles = {role_of(pid): pid for pid in children_of(node.process.pid)}
        decoding = children_of(roles["worker"])
        assert os.getpriority(os.PRIO_PROCESS, roles["receiver"]) == own
        assert decoding
        assert priorities(roles["worker"]) == {max(NICENESS, own)}
        for pid in decoding:  # a child steps back further as soon as it has begun
            until(lambda pid=pid: priorities(pid) == {max(NICENESS + BEHIND_WORKER, own)}, f"niceness of child {pid}")
        assert b"OPENBLAS_NUM_THREADS=1" in Path(f"/proc/{roles['worker']}/environ").read_bytes()
    finally:
        node.stop()
