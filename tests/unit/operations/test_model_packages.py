"""A package is added whole or not at all, under a name that no other content ever gets; who did it is recorded."""

from __future__ import annotations

import os
import shutil
import tarfile
import time
from pathlib import Path

import pytest
import yaml

from scp_node.errors import ModelUnusable, UsageError
from scp_node.inference.packages import find_package, package_folders
from scp_node.operations import model_packages
from scp_node.operations.model_packages import add_package, contents, staged
from tests.support.models.tiny_model import TINY, copy_tiny
from tests.unit.operations.recorder import operator_and_acts


def added(source: Path, target: Path, known: tuple[Path, ...] = ()) -> tuple[Path, bool]:
    operator, _ = operator_and_acts()
    with staged(source, target) as package:
        there, is_new = add_package(package, target, known, operator)
    return there.folder, is_new


def test_a_package_lies_under_its_own_name_and_nothing_else_is_left(tmp_path: Path) -> None:
    source = tmp_path / "called-otherwise"
    shutil.copytree(TINY, source)
    folder, is_new = added(source, tmp_path / "models")
    assert is_new and folder == tmp_path / "models" / "tiny" / "1.0.0"
    assert contents(folder) == contents(TINY)
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["tiny"]
    assert find_package(tmp_path / "models", "tiny@1.0.0").folder == folder


def test_other_users_may_read_what_was_added(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        folder, _ = added(TINY, tmp_path / "models")
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in (folder, folder.parent)} == {0o755}
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir() if path.is_file()} == {0o644}


def test_an_archive_is_added_like_a_folder(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "tiny.tar.gz", "w:gz") as archive:
        archive.add(TINY, "tiny/1.0.0")
    folder, is_new = added(tmp_path / "tiny.tar.gz", tmp_path / "models")
    assert is_new and contents(folder) == contents(TINY)


def test_the_same_package_again_changes_nothing(tmp_path: Path) -> None:
    folder, _ = added(TINY, tmp_path / "models")
    before = folder.stat().st_mtime_ns
    assert added(TINY, tmp_path / "models") == (folder, False)
    assert folder.stat().st_mtime_ns == before


def test_a_version_that_the_node_has_already_is_not_copied_beside_it(tmp_path: Path) -> None:
    shipped = copy_tiny(tmp_path / "shipped")
    assert added(TINY, tmp_path / "models", (tmp_path / "shipped",)) == (shipped, False)
    assert package_folders(tmp_path / "models") == []


@pytest.mark.parametrize("where", ["models", "shipped"])
def test_a_version_is_never_given_other_content(where: str, tmp_path: Path) -> None:
    there = copy_tiny(tmp_path / where)
    before = contents(there)
    other = copy_tiny(tmp_path / "other", title="Another one")
    operator, acts = operator_and_acts()
    with (
        staged(other, tmp_path / "models") as package,
        pytest.raises(UsageError, match=r"tiny@1\.0\.0 is there already, with other content"),
    ):
        add_package(package, tmp_path / "models", (tmp_path / "shipped",), operator)
    assert contents(there) == before
    assert [(act.kind, act.object_kind, act.outcome) for act in acts] == [("add-model", "model", "refused")]


def test_who_added_what_is_recorded(tmp_path: Path) -> None:
    operator, acts = operator_and_acts()
    with staged(TINY, tmp_path) as package:
        there, _ = add_package(package, tmp_path, (), operator)
    assert [(act.operator, act.object_id, act.outcome) for act in acts] == [("anna", there.pin, "done")]


def test_two_who_add_another_content_at_the_same_time_do_not_mix_it(tmp_path: Path) -> None:
    other = copy_tiny(tmp_path / "other", title="Another one")
    with staged(TINY, tmp_path / "models") as one, staged(other, tmp_path / "models") as two:
        model_packages._named(one, tmp_path / "models")
        with pytest.raises(UsageError, match="somebody else has just added this version"):
            model_packages._named(two, tmp_path / "models")
    assert contents(tmp_path / "models" / "tiny" / "1.0.0") == contents(TINY)


@pytest.mark.parametrize("name", ["manifest.yaml", "model.onnx", "reference.npz"])
def test_a_file_that_is_larger_than_its_kind_may_be_leaves_nothing_behind(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_packages, "bytes_max", lambda file: 10 if file == name else 1 << 30)
    with pytest.raises(ModelUnusable, match=f"{name} has .* bytes, more than the 10"):
        added(TINY, tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


def test_a_broken_manifest_is_named_by_where_it_came_from(tmp_path: Path) -> None:
    folder = copy_tiny(tmp_path / "broken")
    settings = yaml.safe_load((folder / "manifest.yaml").read_text(encoding="utf-8"))
    (folder / "manifest.yaml").write_text(yaml.safe_dump(settings | {"opset": 99}), encoding="utf-8")
    with pytest.raises(ModelUnusable, match="opset") as told:
        added(folder, tmp_path / "models")
    assert str(folder) in str(told.value) and ".adding-" not in str(told.value)


def test_a_crash_between_copy_and_name_leaves_no_package(tmp_path: Path) -> None:
    with staged(TINY, tmp_path / "models"):
        assert package_folders(tmp_path / "models") == []


def test_what_a_killed_command_left_is_removed_once_nobody_can_be_copying_any_more(tmp_path: Path) -> None:
    source, target = copy_tiny(tmp_path / "source"), tmp_path / "own"
    killed, copying = target / f"{model_packages.STAGING}killed", target / f"{model_packages.STAGING}copying"
    for folder in (killed / "files", copying / "files"):
        folder.mkdir(parents=True)
    long_ago = time.time() - model_packages.STAGING_S - 1
    os.utime(killed, (long_ago, long_ago))
    with staged(source, target):
        pass
    assert [path.name for path in target.iterdir()] == [copying.name]
