"""`hilum backup`, `hilum restore` and `hilum rebuild` as they are called from a shell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ledger.node_data import NodeFolder, films, node_folder, studies_in
from tests.support.node.command import Hilum


@pytest.fixture
def node(tmp_path: Path) -> Iterator[NodeFolder]:
    opened = node_folder(tmp_path / "node", free_bytes_min=1)
    opened.receive(*films(2))
    yield opened
    opened.ledger.engine.dispose()


@pytest.fixture
def hilum(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Hilum:
    return Hilum(monkeypatch, capsys)


def test_a_backup_says_what_it_holds_and_a_restore_what_comes_next(
    hilum: Hilum, node: NodeFolder, tmp_path: Path
) -> None:
    backup, data_dir = tmp_path / "backup", tmp_path / "restored"
    made = hilum("backup", backup, "--verify", "--config", node.config)
    assert made.code == 0, made
    assert made.out.splitlines()[-1] == "whole: every file is there with its size and digest"
    assert "files   2 (" in made.out and "integrity checked" in made.out
    restored = hilum("restore", backup, "--to", data_dir)
    assert restored.code == 0, restored
    assert "every digest compared" in restored.out and "are sent again, with the UIDs they had" in restored.out
    assert studies_in(data_dir) == studies_in(node.data_dir)


def test_a_lost_file_is_named_and_the_command_has_failed(hilum: Hilum, node: NodeFolder, tmp_path: Path) -> None:
    lost = node.file(films(1)[0])
    lost.unlink()
    made = hilum("backup", tmp_path / "backup", "--config", node.config)
    assert made.code == 1 and f"{lost.stem}: the spool has lost it" in made.out


def test_a_damaged_backup_is_named_file_by_file_and_the_rest_can_be_had(
    hilum: Hilum, node: NodeFolder, tmp_path: Path
) -> None:
    backup = tmp_path / "backup"
    hilum("backup", backup, "--config", node.config)
    file = next(backup.glob("spool/??/*.dcm"))
    file.unlink()
    refused = hilum("restore", backup, "--to", tmp_path / "data")
    assert refused.code == 1 and f"{file}: is missing" in refused.err and "--leave-out-damaged" in refused.err
    had = hilum("restore", backup, "--to", tmp_path / "data", "--leave-out-damaged")
    assert had.code == 1 and f"{file.stem}: is not there" in had.out


def test_a_place_that_cannot_be_used_is_wrong_usage(hilum: Hilum, node: NodeFolder, tmp_path: Path) -> None:
    inside = hilum("backup", node.data_dir / "backup", "--config", node.config)
    assert inside.code == 2 and "lie in each other" in inside.err
    hilum("backup", tmp_path / "backup", "--config", node.config)
    full = hilum("restore", tmp_path / "backup", "--to", node.data_dir)
    assert full.code == 2 and "is not empty" in full.err
    nothing = hilum("restore", tmp_path, "--to", tmp_path / "data")
    assert nothing.code == 1 and "holds no whole backup" in nothing.err


def test_a_rebuild_says_what_was_found_and_what_is_lost(hilum: Hilum, node: NodeFolder) -> None:
    node.ledger.engine.dispose()
    refused = hilum("rebuild", "--config", node.config)
    assert refused.code == 2 and "is whole" in refused.err
    (node.data_dir / "ledger.db").unlink()
    done = hilum("rebuild", "--config", node.config)
    assert done.code == 0, done
    assert "images    2 in 2 versions: 2 are analysed when the node starts" in done.out
    assert "lost      what was delivered" in done.out
    assert len(studies_in(node.data_dir)) == 1
