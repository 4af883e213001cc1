"""What a stranger packed is copied file by file, or refused with a word; nothing of it leads out or fills the disk."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from scp_node.errors import ModelUnusable
from scp_node.operations import package_files as packed
from scp_node.operations.package_files import MANIFEST, Member, chosen, package_files

CONTENT = {MANIFEST: b"name: x", "model.onnx": b"graph", "reference.npz": b"arrays", "report/figures.json": b"{}"}


def as_tar(file: Path, members: list[tuple[tarfile.TarInfo, bytes]]) -> Path:
    with tarfile.open(file, "w:gz") as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file


def members_of(prefix: str = "x/1.0.0/") -> list[tuple[tarfile.TarInfo, bytes]]:
    return [(tarfile.TarInfo(prefix + name), content) for name, content in CONTENT.items()]


def as_zip(file: Path, prefix: str = "") -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in CONTENT.items():
            archive.writestr(prefix + name, content)
    return file


def as_folder(folder: Path) -> Path:
    for name, content in CONTENT.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def read(source: Path) -> dict[str, bytes]:
    with package_files(source) as files:
        return {file.name: file.content.read() for file in files}


SOURCES: list[Callable[[Path], Path]] = [
    lambda folder: as_folder(folder / "somewhere"),
    lambda folder: as_tar(folder / "x.tar.gz", members_of()),
    lambda folder: as_tar(folder / "X.TGZ", members_of("")),
    lambda folder: as_tar(folder / "x.tar.gz", members_of("./")),
    lambda folder: as_zip(folder / "x.zip"),
    lambda folder: as_zip(folder / "x.zip", "deep/er/"),
]


@pytest.mark.parametrize("make", SOURCES)
def test_a_package_is_read_however_it_is_packed(make: Callable[[Path], Path], tmp_path: Path) -> None:
    assert read(make(tmp_path)) == CONTENT


def test_what_is_no_file_of_a_package_is_passed_over(tmp_path: Path) -> None:
    extra = [
        (tarfile.TarInfo(name), b"!") for name in ("x/1.0.0/run.sh", "x/1.0.0/report/a/b.json", "__MACOSX/model.onnx")
    ]
    assert read(as_tar(tmp_path / "x.tar.gz", members_of() + extra)) == CONTENT


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("../model.onnx", "leads out of the archive"),
        ("x/1.0.0/../../../etc/passwd", "leads out of the archive"),
        ("/etc/passwd", "leads out of the archive"),
        ("x\\..\\..\\model.onnx", "leads out of the archive"),
        ("C:/model.onnx", "leads out of the archive"),
        ("other/manifest.yaml", "expected one manifest.yaml, found 2"),
        ("x/1.0.0/model.onnx", "is there twice"),
        ("x/1.0.0/./model.onnx", "is there twice"),
    ],
)
def test_a_member_that_nobody_packs_by_accident_is_refused(path: str, told: str, tmp_path: Path) -> None:
    source = as_tar(tmp_path / "x.tar.gz", [*members_of(), (tarfile.TarInfo(path), b"!")])
    with pytest.raises(ModelUnusable, match=told):
        read(source)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE])
def test_a_file_of_a_package_is_no_link_and_no_device(kind: bytes, tmp_path: Path) -> None:
    link = tarfile.TarInfo("x/1.0.0/CARD.md")
    link.type, link.linkname = kind, "/etc/passwd"
    with pytest.raises(ModelUnusable, match="no regular file"):
        read(as_tar(tmp_path / "x.tar.gz", [*members_of(), (link, b"")]))


def test_a_link_in_a_zip_file_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(as_zip(tmp_path / "x.zip"), "a") as archive:
        link = zipfile.ZipInfo("CARD.md")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(ModelUnusable, match="no regular file"):
        read(tmp_path / "x.zip")


def test_a_link_in_a_folder_is_refused(tmp_path: Path) -> None:
    folder = as_folder(tmp_path / "p")
    (folder / "model.onnx").unlink()
    (folder / "model.onnx").symlink_to("/etc/passwd")
    with pytest.raises(ModelUnusable, match="symbolic link"):
        read(folder)


@pytest.mark.parametrize("members", [packed.MEMBERS_MAX + 1, 2])
def test_an_archive_of_more_than_a_package_has_is_refused(members: int) -> None:
    size = packed.ARCHIVE_BYTES_MAX if members == 2 else 1
    with pytest.raises(ModelUnusable, match="no model package"):
        chosen(Path("x.zip"), (Member(f"{n}.bin", size, True) for n in range(members)))


def test_a_long_extended_header_is_not_held_in_memory(tmp_path: Path) -> None:
    first = tarfile.TarInfo("x/1.0.0/CARD.md")
    first.pax_headers = {"comment": "x" * (packed.EXTENDED_HEADER_BYTES_MAX + 1)}
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(first, io.BytesIO())
    with pytest.raises(ModelUnusable, match=r"extended header|cannot be unpacked"):
        read(tmp_path / "x.tar.gz")


@pytest.mark.parametrize("name", ["x.tar.gz", "x.zip", "x.rar", "x"])
def test_what_is_no_archive_is_told(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"no archive at all")
    with pytest.raises(ModelUnusable, match=f"{name} (cannot be unpacked|is no model package)"):
        read(tmp_path / name)


def test_an_archive_that_was_cut_is_told(tmp_path: Path) -> None:
    for source in (as_tar(tmp_path / "x.tar.gz", members_of()), as_zip(tmp_path / "x.zip")):
        source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
        with pytest.raises(ModelUnusable, match=r"cannot be unpacked|expected one"):
            read(source)


def test_a_folder_without_a_manifest_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match="holds no manifest"):
        read(tmp_path)
