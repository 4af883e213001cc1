"""The data of a running node is closed to every other user, and what keeps it from committing is seen in time."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

from tests.integration.test_health import readyz, wait_for_reason, wait_for_status
from tests.support.dicom.phantoms import make_dx
from tests.support.ledger.foreign_lock import shared_lock
from tests.support.node.node import RunningNode, running_node
from tests.support.peers.modality import store_until_stored
from tests.support.peers.program import running

ARCHIVE = {"archive": ("ARCHIVE", 104)}


class WithoutWorker(RunningNode):
    only = ("receiver", "web")


def open_to_others(folder: Path) -> list[str]:
    return [
        str(path) for path in (folder, *folder.rglob("*")) if path.lstat().st_mode & 0o077 and not path.is_symlink()
    ]


def test_an_open_folder_is_closed_and_nothing_in_it_is_ever_open(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        (tmp_path / "node" / "data" / "locks").mkdir(parents=True)
        with running_node(tmp_path / "node", ARCHIVE) as node:
            assert "data folder was open to others and is closed now" in node.log()
            assert "decode sandbox: " in node.log(), "said at the start"
            store_until_stored(node.port, [make_dx()])
            wait_for_status(node, 200)
            assert open_to_others(node.data_dir) == []
            if os.geteuid() == 0 and shutil.which("setpriv"):
                for path in ("ledger.db", "ledger.db-shm", "ledger.db-wal"):
                    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
                    command = [*as_nobody, "cat", str(node.data_dir / path)]
                    assert subprocess.run(command, capture_output=True, check=False).returncode != 0
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "node" / "data").stat().st_mode) == 0o700


def test_a_receiver_that_cannot_commit_is_not_ready_within_seconds(tmp_path: Path) -> None:
    with running(WithoutWorker(tmp_path / "node", ARCHIVE)) as node:
        wait_for_status(node, 200)
        with shared_lock(node.data_dir / "ledger.db-shm"):
            wait_for_reason(node, "receiver cannot commit: another process holds a lock on the database")
            assert readyz(node)["status"] == 503
        wait_for_status(node, 200)
        store_until_stored(node.port, [make_dx()])
