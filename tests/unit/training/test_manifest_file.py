"""The folder of a package says its name and version, and a wrong one is told before anything is computed."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.packaging.manifest_file import name_and_version, read_manifest


def test_a_folder_names_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert name_and_version(Path("models/pneumonia/2.0.0")) == ("pneumonia", "2.0.0")
    (tmp_path / "pneumonia").mkdir()
    monkeypatch.chdir(tmp_path / "pneumonia")
    assert name_and_version(Path("1.2.0")) == ("pneumonia", "1.2.0")


@pytest.mark.parametrize("folder", ["models/pneumonia", "models/Pneumonia/1.0.0", "models/pneumonia/v1"])
def test_another_folder_is_refused(folder: str) -> None:
    with pytest.raises(SystemExit, match="a package lies in models/NAME/VERSION"):
        name_and_version(Path(folder))


def test_a_folder_without_a_valid_manifest_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="No such file"):
        read_manifest(tmp_path)
    (tmp_path / "manifest.yaml").write_text("name: pneumonia", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"manifest\.yaml: .*version: Field required"):
        read_manifest(tmp_path)
