"""`hilum models add`: verified, copied, and the lines that a node needs; own packages live beside the shipped ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from scp_node.cli import build_app
from scp_node.errors import HilumError
from scp_node.inference.packages import find_package
from scp_node.settings.file import load_settings
from scp_node.settings.places import model_folders
from tests.support.models.tiny_model import TINY, copy_tiny

NODE = {
    "node": {"ae_title": "HILUM", "data_dir": "var"},
    "remote_aes": {"pacs": {"ae_title": "PACS", "host": "127.0.0.1", "port": 104, "may_send": True}},
    "routes": [{"name": "chest", "model": "pneumonia", "to": ["pacs"]}],
}


def hilum(*words: str | Path) -> Result:
    return CliRunner().invoke(build_app("models"), ["models", *map(str, words)], env={"COLUMNS": "200"})


def node(folder: Path, **inference: str) -> Path:
    settings = NODE | ({"inference": inference} if inference else {})
    (folder / "node.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return folder / "node.yaml"


def test_a_package_is_put_where_the_node_looks_without_any_setting(tmp_path: Path) -> None:
    config = node(tmp_path)
    done = hilum("add", TINY, "--config", config)
    assert done.exit_code == 0, done.output
    folders = model_folders(load_settings(config))
    added = find_package(folders, "tiny")
    assert added.folder == tmp_path / "var" / "models" / "tiny" / "1.0.0"
    assert f"model: {added.pin}" in done.output and "models_dir:" not in done.output
    assert all(f"{check:10} ok" in done.output for check in ("manifest", "weights", "graph", "reference"))
    assert find_package(folders, "pneumonia").folder.parents[1] == folders[1], "the shipped ones are still there"


def test_a_node_with_a_folder_of_its_own_gets_it_there(tmp_path: Path) -> None:
    config = node(tmp_path, models_dir="ours")
    assert hilum("add", TINY, "--config", config).exit_code == 0
    assert (tmp_path / "ours" / "tiny" / "1.0.0" / "model.onnx").is_file()


def test_without_a_node_it_says_which_setting_one_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = hilum("add", TINY)
    assert done.exit_code == 0 and f"models_dir: {tmp_path / 'hilum-models'}" in done.output
    done = hilum("add", TINY, "--models-dir", tmp_path / "else", "--config", node(tmp_path))
    assert f"models_dir: {tmp_path / 'else'}" in done.output


def test_the_printed_lines_are_a_configuration(tmp_path: Path) -> None:
    config = node(tmp_path)
    done = hilum("add", TINY, "--models-dir", tmp_path / "else", "--config", config)
    lines = done.output.splitlines()
    start = lines.index(f"in {config}:")
    printed = yaml.safe_load("\n".join(line[2:] for line in lines[start + 1 :] if line.startswith("  ")))
    settings = NODE | {"inference": printed["inference"], "routes": [NODE["routes"][0] | printed["routes"][0]]}  # type: ignore[index]
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    loaded = load_settings(config)
    assert find_package(model_folders(loaded), loaded.routes[0].model).label == "tiny@1.0.0"


def test_again_is_no_fault_and_other_content_is(tmp_path: Path) -> None:
    config = node(tmp_path)
    hilum("add", TINY, "--config", config)
    again = hilum("add", TINY, "--config", config)
    assert again.exit_code == 0 and "is there already" in again.output
    other = hilum("add", copy_tiny(tmp_path / "other", title="Another one"), "--config", config)
    assert isinstance(other.exception, HilumError) and other.exception.exit_code == 2


def test_a_version_of_a_shipped_package_with_other_content_is_refused(tmp_path: Path) -> None:
    config = node(tmp_path)
    shipped = find_package(model_folders(load_settings(config)), "pneumonia")
    other = copy_tiny(tmp_path / "other", name="pneumonia", version=shipped.manifest.version)
    done = hilum("add", other, "--config", config)
    assert isinstance(done.exception, HilumError) and "with other content" in str(done.exception)


@pytest.mark.parametrize("name", ["model.onnx", "reference.npz"])
def test_an_altered_package_is_not_added(name: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(TINY, broken)
    content = bytearray((broken / name).read_bytes())
    content[len(content) // 2] ^= 0xFF
    (broken / name).write_bytes(content)
    done = hilum("add", broken, "--config", node(tmp_path))
    assert isinstance(done.exception, HilumError) and done.exception.exit_code == 1
    assert list((tmp_path / "var" / "models").iterdir()) == []
