"""Files are found by what they look like, and a package by its name or by being the only one."""

from __future__ import annotations

from pathlib import Path

import pytest

from scp_node.analysis.files import chosen_package, find_images
from scp_node.errors import ModelMissing, UsageError
from tests.support.models.tiny_model import copy_tiny

PNG, JPEG, PART10 = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", bytes(128) + b"DICM"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ward").mkdir()
    for name, head in {
        **{"ward/IM2": PART10, "film": PNG, "photo.txt": JPEG, "raw.DCM": b""},
        **{"DICOMDIR": PART10, ".hidden.png": PNG, "notes.txt": b"text", "list.csv": b"a,b"},
    }.items():
        (tmp_path / name).write_bytes(head)
    return tmp_path


def test_a_folder_gives_what_looks_like_an_image_by_its_path(folder: Path) -> None:
    assert [str(path.relative_to(folder)) for path in find_images([folder])] == [
        "film",
        "photo.txt",
        "raw.DCM",
        "ward/IM2",
    ]


def test_what_is_named_is_taken_whatever_it_looks_like_and_in_that_order(folder: Path) -> None:
    named = [folder / "notes.txt", folder / "ward", folder / "film"]
    assert find_images(named) == [folder / "notes.txt", folder / "ward" / "IM2", folder / "film"]


def test_a_folder_without_an_image_and_a_path_to_nothing_are_wrong_usage(folder: Path) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(UsageError, match="no DICOM, PNG or JPEG file in this folder"):
        find_images([folder / "empty"])
    with pytest.raises(UsageError, match="neither a file nor a folder"):
        find_images([folder / "nothing"])


def test_the_only_model_need_not_be_named(tmp_path: Path) -> None:
    copy_tiny(tmp_path)
    copy_tiny(tmp_path, version="1.1.0")
    assert chosen_package(tmp_path, None).label == "tiny@1.1.0"
    assert chosen_package(tmp_path, "tiny@1.0.0").label == "tiny@1.0.0"
    copy_tiny(tmp_path, name="other")
    with pytest.raises(UsageError, match=r"say which model with --model NAME \(in .*: other, tiny\)"):
        chosen_package(tmp_path, None)
    with pytest.raises(ModelMissing):
        chosen_package(tmp_path, "measles")
