"""Who backed up, restored, rebuilt and moved which data folder, and how that ended, is recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from scp_node.errors import BackupUnusable, UsageError
from scp_node.operations.acts import Act
from scp_node.operations.recovery import back_up, move, rebuild, restore
from tests.support.ledger.node_data import films, node_folder
from tests.unit.operations.recorder import operator_and_acts


def nothing() -> None:
    """Nobody counts."""


def test_each_act_is_recorded_with_its_end_and_without_a_patient(tmp_path: Path) -> None:
    node, (anna, acts) = node_folder(tmp_path / "node", free_bytes_min=1), operator_and_acts()
    node.receive(*films(1))
    backup, data, other = tmp_path / "backup", str(node.data_dir), str(tmp_path / "data")
    back_up(node.settings, node.ledger, node.config, backup, anna, verify=False, on_file=nothing)
    restore(backup, tmp_path / "data", anna, leave_out_damaged=False, on_file=nothing)
    with pytest.raises(UsageError):
        restore(backup, tmp_path / "data", anna, leave_out_damaged=False, on_file=nothing)
    with pytest.raises(BackupUnusable):
        restore(tmp_path, tmp_path / "third", anna, leave_out_damaged=False, on_file=nothing)
    node.ledger.engine.dispose()
    rebuild(node.settings, anna, reanalyse=False, replace_whole=True, on_file=nothing)
    move(node.settings, f"sqlite:///{tmp_path / 'moved.db'}", anna, on_row=nothing)
    assert acts == [
        Act("back-up", "data-folder", data, "anna", "done"),
        Act("restore", "data-folder", other, "anna", "done"),
        Act("restore", "data-folder", other, "anna", "refused"),
        Act("restore", "data-folder", str(tmp_path / "third"), "anna", "failed", "backup-unusable"),
        Act("rebuild", "data-folder", data, "anna", "done"),
        Act("move-ledger", "data-folder", data, "anna", "done"),
    ]


def test_what_works_with_files_refuses_a_node_whose_bytes_are_objects(tmp_path: Path) -> None:
    node, (anna, acts) = node_folder(tmp_path / "node", free_bytes_min=1), operator_and_acts()
    storage = node.settings.storage.model_copy(update={"blobs": "s3"})
    settings, data = node.settings.model_copy(update={"storage": storage}), str(node.data_dir)
    with pytest.raises(UsageError, match=r"are objects, not files\. Back up the database first"):
        back_up(settings, node.ledger, node.config, tmp_path / "backup", anna, verify=False, on_file=nothing)
    node.ledger.engine.dispose()
    with pytest.raises(UsageError, match=r"are objects, not files\. Restore the database"):
        rebuild(settings, anna, reanalyse=False, replace_whole=True, on_file=nothing)
    assert not (tmp_path / "backup").exists()
    assert acts == [
        Act("back-up", "data-folder", data, "anna", "refused"),
        Act("rebuild", "data-folder", data, "anna", "refused"),
    ]
