"""A node that runs is backed up, and goes on in another folder with what it knew."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.dicom.phantoms import make_dx
from tests.support.ledger.node_data import studies_in
from tests.support.node.node import RunningNode
from tests.support.peers.modality import store
from tests.support.peers.program import running

ARCHIVE = {"pacs": ("PACS", 104)}


class Receiver(RunningNode):
    """Takes images in, and nothing else."""

    only = ("receiver",)


def hilum(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scp_node.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_running_node_is_backed_up_and_goes_on_elsewhere(tmp_path: Path) -> None:
    films = [make_dx(rows=64, columns=64, instance=number) for number in range(1, 4)]
    backup = tmp_path / "backup"
    first = Receiver(tmp_path / "first", ARCHIVE)
    with running(first):
        assert store(first.port, films) == [0x0000] * 3
        made = hilum("backup", backup, "--verify", "--config", first.config)
        assert made.returncode == 0, made.stderr
        rebuilt = hilum("rebuild", "--replace-whole", "--config", first.config)
        assert rebuilt.returncode == 2 and "held by a node that runs" in rebuilt.stderr
        known = studies_in(first.data_dir)
    second = Receiver(tmp_path / "second", ARCHIVE)
    restored = hilum("restore", backup, "--to", second.data_dir)
    assert restored.returncode == 0, restored.stderr
    assert studies_in(second.data_dir) == known and known
    with running(second):
        assert store(second.port, [*films, make_dx(rows=64, columns=64, instance=9)]) == [0x0000] * 4
        images = [sum(one.images.values()) for one in studies_in(second.data_dir)]
        assert images == [4], "three are known, one is new"
