"""A node that is busy with pixels still takes images in: its pixel work steps back, threads are bounded."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from scp_node.node.worker import BEHIND_WORKER
from tests.support.dicom.phantoms import make_dx
from tests.support.node.node import RunningNode
from tests.support.peers.modality import store
from tests.support.waiting import until

NICENESS = 6


def priorities(pid: int) -> set[int]:
    """Of every thread of a process."""
    return {os.getpriority(os.PRIO_PROCESS, int(task.name)) for task in Path(f"/proc/{pid}/task").iterdir()}


def has_only(pid: int, priority: int) -> bool:
    return priorities(pid) == {priority}


def test_worker_and_decoding_children_step_back_behind_the_receiver(tmp_path: Path) -> None:
    node = RunningNode(tmp_path / "node", {"pacs": ("NOBODY", 1)}, workers={"niceness": NICENESS})
    own = os.getpriority(os.PRIO_PROCESS, 0)
    try:
        node.start()
        assert store(node.port, [make_dx()]) == [0x0000]
        roles = node.processes()
        decoding = [pid for role, pid in roles.items() if role.startswith("decode-")]
        assert os.getpriority(os.PRIO_PROCESS, roles["receiver"]) == own
        assert decoding
        assert priorities(roles["worker"]) == {max(NICENESS, own)}
        for pid in decoding:  # a child steps back further as soon as it has begun
            until(functools.partial(has_only, pid, max(NICENESS + BEHIND_WORKER, own)), f"niceness of child {pid}")
        assert b"OPENBLAS_NUM_THREADS=1" in Path(f"/proc/{roles['worker']}/environ").read_bytes()
    finally:
        node.stop()
