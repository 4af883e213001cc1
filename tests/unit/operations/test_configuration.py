"""A changed configuration takes the place of the one that was seen, whole, or leaves all as it was."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from scp_node.errors import UsageError
from scp_node.operations.configuration import KEPT_MAX, obstacle_to_placing, put_in_place
from tests.unit.operations.recorder import operator_and_acts

FILE = """\
node: {{ae_title: HILUM, data_dir: {folder}/data}}
remote_aes: {{pacs: {{ae_title: PACS, host: 127.0.0.1, port: 104, may_send: true}}}}
routes: [{{name: chest, model: pneumonia, to: [pacs]}}]
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "node.yaml"
    path.write_text(FILE.format(folder=tmp_path))
    path.chmod(0o640)
    return path


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def names(config: Path) -> list[str]:
    return sorted(path.name for path in config.parent.iterdir())


def place(config: Path, content: bytes, seen: str | None = None) -> Path:
    operator, _ = operator_and_acts()
    return put_in_place(config, content, seen or sha256(config.read_bytes()), config.parent / "data", operator).former


def test_a_file_is_replaced_and_the_former_one_kept_with_its_mode(config: Path) -> None:
    old, new = config.read_bytes(), config.read_bytes() + b"report: {quiet_period_s: 9}\n"
    operator, acts = operator_and_acts()
    placed = put_in_place(config, new, sha256(old), config.parent / "data", operator)
    assert config.read_bytes() == new and placed.former.read_bytes() == old
    assert placed.sha256 == sha256(new) and "no supervisor" in placed.not_told
    assert {path.stat().st_mode & 0o777 for path in (config, placed.former)} == {0o640}
    assert names(config) == sorted([config.name, placed.former.name])
    (act,) = acts
    assert (act.kind, act.object_id, act.operator, act.outcome) == ("put-configuration", "node.yaml", "anna", "done")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_owner_stays(config: Path) -> None:
    os.chown(config, 12345, 23456)
    former = place(config, config.read_bytes() + b"\n")
    assert {(path.stat().st_uid, path.stat().st_gid) for path in (config, former)} == {(12345, 23456)}


def test_a_file_that_was_changed_meanwhile_stays(config: Path) -> None:
    seen = sha256(config.read_bytes())
    config.write_bytes(config.read_bytes() + b"# by somebody else\n")
    before = config.read_bytes()
    operator, acts = operator_and_acts()
    with pytest.raises(UsageError, match="changed meanwhile"):
        put_in_place(config, before + b"\n", seen, config.parent / "data", operator)
    assert config.read_bytes() == before and names(config) == ["node.yaml"]
    assert [act.outcome for act in acts] == ["refused"]


@pytest.mark.parametrize("content", [b"", b"node: [", b"\xff", b"node: {ae_title: X}\n"])
def test_a_file_with_problems_is_never_put_in_place(config: Path, content: bytes) -> None:
    before = config.read_bytes()
    with pytest.raises(UsageError, match="problem"):
        place(config, content)
    assert config.read_bytes() == before and names(config) == ["node.yaml"]


def test_a_link_a_pipe_and_a_folder_are_not_replaced(config: Path, tmp_path: Path) -> None:
    link, pipe, folder = (tmp_path / name for name in ("link.yaml", "pipe.yaml", "folder.yaml"))
    link.symlink_to(config)
    os.mkfifo(pipe)
    folder.mkdir()
    for path, word in ((link, "symbolic link"), (pipe, "regular"), (folder, "regular"), (tmp_path / "none", "No such")):
        assert word in obstacle_to_placing(path)
        with pytest.raises(UsageError, match=word):
            place(path, config.read_bytes(), sha256(config.read_bytes()))
    assert link.is_symlink() and config.is_file()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told_before(config: Path) -> None:
    config.parent.chmod(0o500)
    try:
        assert "cannot be written" in obstacle_to_placing(config)
    finally:
        config.parent.chmod(0o700)


def test_a_disk_that_fails_leaves_the_file_and_no_part_of_another(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = config.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(UsageError, match="No space left"):
        place(config, before + b"\n")
    assert config.read_bytes() == before
    assert [name for name in names(config) if name.endswith(".part")] == []


def test_former_files_are_few(config: Path) -> None:
    for number in range(KEPT_MAX + 3):
        place(config, config.read_bytes() + f"# {number}\n".encode())
    assert len(names(config)) == KEPT_MAX + 1
