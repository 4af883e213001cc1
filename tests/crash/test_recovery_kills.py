"""Backup, restore and rebuild are killed as they enter each call that changes the disk: nothing that looks whole is not
whole, and the next attempt succeeds.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from scp_node.errors import BackupUnusable, ConfigurationError
from scp_node.ledger.database import open_database
from scp_node.recovery.backup import NodeData, make_backup
from scp_node.recovery.backup_folder import BackupFolder
from scp_node.recovery.interrupted import check_not_interrupted
from scp_node.recovery.rebuild import rebuild_ledger
from scp_node.recovery.restore import restore_backup
from scp_node.settings.places import default_url
from tests.support.crash.dying import dies_at
from tests.support.ledger.node_data import NodeFolder, films, node_folder, studies_in

POINTS_MAX = 200


@pytest.fixture
def node(tmp_path: Path) -> NodeFolder:
    opened = node_folder(tmp_path / "node", free_bytes_min=1)
    opened.receive(*films(2, rows=16))
    return opened


def back_up(node: NodeFolder, folder: Path) -> None:
    engine = open_database(default_url(node.data_dir))  # connections are not for two processes
    make_backup(NodeData(node.data_dir, node.data_dir / "spool", engine, node.config, 0), folder)


def make_anew(node: NodeFolder) -> None:
    rebuild_ledger(node.settings, reanalyse=False, replace_whole=True)


def is_whole(root: Path, scratch: Path) -> bool:
    """Whether it passes for a backup; one that does can be restored to the last byte."""
    try:
        BackupFolder(root).read_marker()
    except BackupUnusable:
        return False
    restore_backup(root, scratch)
    shutil.rmtree(scratch)
    return True


@pytest.mark.timeout(900)
def test_a_backup_that_is_killed_anywhere_is_whole_or_does_not_look_so(node: NodeFolder, tmp_path: Path) -> None:
    root, seen = tmp_path / "backup", set[bool]()
    for point in range(1, POINTS_MAX):
        shutil.rmtree(root, ignore_errors=True)
        if not dies_at(point, lambda: back_up(node, root)):
            break
        seen.add(is_whole(root, tmp_path / "scratch"))
    assert 10 < point < POINTS_MAX - 1 and False in seen
    assert is_whole(root, tmp_path / "scratch")


@pytest.mark.timeout(900)
def test_a_backup_that_is_renewed_is_whole_wherever_it_is_killed(node: NodeFolder, tmp_path: Path) -> None:
    first, root = tmp_path / "first", tmp_path / "backup"
    make_backup(node.data, first)
    node.receive(*films(1, study=2, rows=16))
    for point in range(1, POINTS_MAX):
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(first, root, copy_function=shutil.copy2)
        if not dies_at(point, lambda: back_up(node, root)):
            break
        assert is_whole(root, tmp_path / "scratch"), f"killed at call {point}"
    assert 10 < point < POINTS_MAX - 1
    make_backup(node.data, root)
    restore_backup(root, tmp_path / "scratch")
    assert studies_in(tmp_path / "scratch") == studies_in(node.data_dir)
    assert len(list(root.glob("state-*"))) == 1 and list(root.rglob("*.part")) == []


@pytest.mark.timeout(900)
def test_no_node_starts_on_a_restore_that_was_killed_anywhere_before_its_end(node: NodeFolder, tmp_path: Path) -> None:
    root, home = tmp_path / "backup", tmp_path / "home"
    make_backup(node.data, root)
    home.mkdir()
    document = node.settings.model_copy(
        update={"node": node.settings.node.model_copy(update={"data_dir": home / "data"})}
    )
    refused = 0
    for point in range(1, POINTS_MAX):
        if not dies_at(point, lambda: restore_backup(root, home / "data")):
            break
        try:
            check_not_interrupted(document)
        except ConfigurationError:
            refused += 1
        else:
            left = {path.name for path in (home / "data").glob("*")} - {"locks"}
            assert left in (set(), {"spool", "ledger.db"})
            if left:
                assert studies_in(home / "data") == studies_in(node.data_dir)
                shutil.rmtree(home / "data")
    assert refused > 5 and point < POINTS_MAX - 1
    assert studies_in(home / "data") == studies_in(node.data_dir)


@pytest.mark.timeout(900)
def test_a_rebuild_that_is_killed_anywhere_leaves_the_old_ledger_or_the_new_one_or_is_told(
    node: NodeFolder, tmp_path: Path
) -> None:
    known, told = studies_in(node.data_dir), 0
    node.ledger.engine.dispose()
    for point in range(1, POINTS_MAX):
        if not dies_at(point, lambda: make_anew(node)):
            break
        try:
            check_not_interrupted(node.settings)
        except ConfigurationError:
            told += 1
        else:
            assert [one.study_instance_uid for one in studies_in(node.data_dir)] == [
                one.study_instance_uid for one in known
            ]
    assert told >= 1 and point < POINTS_MAX - 1
    assert not (node.data_dir / "rebuilding").exists()
    assert [one.images for one in studies_in(node.data_dir)] == [{"received": 2}]
