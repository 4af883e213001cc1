"""The files of a model package, out of a folder, a tar or a zip file: known names only, each up to its size.

What a stranger packed is neither believed nor unpacked: a member is copied where its name is one of a package's, as a
regular file, into a name of ours. No member can lead out of the folder, be a link or a device, or fill the disk.
"""

from __future__ import annotations

import os
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import IO

from converter.package import learned_films
from converter.package.manifest import MANIFEST_BYTES_MAX
from converter.regular_file import open_regular
from scp_node.errors import ModelUnusable
from scp_node.inference.packages import ONNX_BYTES_MAX, REFERENCE_BYTES_MAX

MIB = 1 << 20
MANIFEST = "manifest.yaml"
# What a package holds, and how large each file may be.
BYTES_MAX = {
    MANIFEST: MANIFEST_BYTES_MAX,
    "model.onnx": ONNX_BYTES_MAX,
    "reference.npz": REFERENCE_BYTES_MAX,
    learned_films.FILE: learned_films.BYTES_MAX,
    "CARD.md": MIB,
}
REPORT, REPORT_BYTES_MAX, REPORT_FILES_MAX = re.compile(r"report/[A-Za-z0-9][A-Za-z0-9._-]{0,99}"), 16 * MIB, 64
ARCHIVE_BYTES_MAX, MEMBERS_MAX, EXTENDED_HEADER_BYTES_MAX = 2048 * MIB, 1000, MIB
TAR_SUFFIXES, ZIP_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.xz"), (".zip",)
BROKEN: tuple[type[Exception], ...] = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, LZMAError, EOFError, NotImplementedError, RuntimeError,
    ValueError,
)  # fmt: skip


@dataclass(frozen=True)
class PackedFile:
    """One file of a package: its name inside it, its size in bytes as stated, and its content from the start."""

    name: str
    size: int
    content: IO[bytes]


@dataclass(frozen=True)
class Member:
    """An entry of an archive; `is_file`: a regular file, no folder, link or device."""

    path: str
    size: int
    is_file: bool


def bytes_max(name: str) -> int | None:
    """How large the file `name` of a package may be; None where a package has no such file."""
    return REPORT_BYTES_MAX if REPORT.fullmatch(name) else BYTES_MAX.get(name)


@contextmanager
def package_files(source: Path) -> Iterator[Iterator[PackedFile]]:
    """The files of the package in `source`, one after the other. Raises ModelUnusable, OSError."""
    name = source.name.lower()
    try:
        if source.is_dir():
            yield _of_folder(source)
        elif name.endswith(ZIP_SUFFIXES):
            with os.fdopen(open_regular(source), "rb") as file, zipfile.ZipFile(file) as archive:
                yield _of_zip(source, archive)
        elif name.endswith(TAR_SUFFIXES):
            with (
                os.fdopen(open_regular(source), "rb") as file,
                tarfile.open(fileobj=file, tarinfo=_BoundedTarInfo) as tar,
            ):
                yield _of_tar(source, tar)
        else:
            known = ", ".join((*TAR_SUFFIXES, *ZIP_SUFFIXES))
            raise ModelUnusable(f"{source} is no model package: expected a folder, or a file that ends in {known}")
    except BROKEN as error:
        raise ModelUnusable(f"{source} cannot be unpacked: {error}") from error


def _of_folder(folder: Path) -> Iterator[PackedFile]:
    names = [name for name in BYTES_MAX if (folder / name).exists() or (folder / name).is_symlink()]
    if MANIFEST not in names:
        raise ModelUnusable(f"{folder} is no model package: it holds no {MANIFEST}")
    if (folder / "report").is_dir() and not (folder / "report").is_symlink():
        inside = (f"report/{file.name}" for file in sorted((folder / "report").iterdir()))
        names += [name for name in inside if REPORT.fullmatch(name)][:REPORT_FILES_MAX]
    for name in names:
        path = folder / name
        if path.is_symlink():
            raise ModelUnusable(f"{path} is a symbolic link: the files of a model package lie in its own folder")
        with os.fdopen(open_regular(path), "rb") as file:
            yield PackedFile(name, path.stat().st_size, file)


def _of_zip(source: Path, archive: zipfile.ZipFile) -> Iterator[PackedFile]:
    entries = {entry.filename: entry for entry in archive.infolist()}
    members = [
        Member(one.filename, one.file_size, not one.is_dir() and not stat.S_ISLNK(one.external_attr >> 16))
        for one in archive.infolist()
    ]
    for member, name in chosen(source, members):
        with archive.open(entries[member.path]) as content:
            yield PackedFile(name, member.size, content)


def _of_tar(source: Path, archive: tarfile.TarFile) -> Iterator[PackedFile]:
    entries: dict[str, tarfile.TarInfo] = {}

    def members() -> Iterator[Member]:
        for entry in archive:
            entries[entry.name] = entry
            yield Member(entry.name, entry.size, entry.isreg())

    for member, name in chosen(source, members()):
        content = archive.extractfile(entries[member.path])
        if content is not None:
            with content:
                yield PackedFile(name, member.size, content)


def chosen(source: Path, members: Iterable[Member]) -> list[tuple[Member, str]]:
    """The members that are files of the package, with their names inside it; the others are passed over.

    The package is the folder that holds the one manifest.yaml. Raises ModelUnusable for anything that a person who
    packs a package would not do.
    """
    seen: dict[str, Member] = {}
    bytes_all = 0
    for member in members:
        path, bytes_all = PurePosixPath(member.path), bytes_all + member.size
        if path.is_absolute() or ".." in path.parts or "\\" in member.path or ":" in member.path:
            raise ModelUnusable(f"{source}: the member {member.path!r} leads out of the archive; nothing was unpacked")
        if bytes_all > ARCHIVE_BYTES_MAX or len(seen) >= MEMBERS_MAX:
            raise ModelUnusable(
                f"{source}: more than {MEMBERS_MAX} members, or {ARCHIVE_BYTES_MAX // MIB} MiB: no model package"
            )
        if str(path) in seen:
            raise ModelUnusable(f"{source}: the member {member.path!r} is there twice")
        seen[str(path)] = member
    roots = [PurePosixPath(path).parent for path in seen if PurePosixPath(path).name == MANIFEST]
    if len(roots) != 1:
        raise ModelUnusable(f"{source}: expected one {MANIFEST}, found {len(roots)}: one package, one archive")
    found = []
    for member in seen.values():
        name = _inside(PurePosixPath(member.path), roots[0])
        if name is None or bytes_max(name) is None:
            continue
        if not member.is_file:
            raise ModelUnusable(f"{source}: {member.path!r} is no regular file, as the files of a package are")
        found.append((member, name))
    if len(found) > REPORT_FILES_MAX + len(BYTES_MAX):
        raise ModelUnusable(f"{source}: more than {REPORT_FILES_MAX} files in report/")
    return found


def _inside(path: PurePosixPath, root: PurePosixPath) -> str | None:
    return str(path.relative_to(root)) if path.is_relative_to(root) else None


class _BoundedTarInfo(tarfile.TarInfo):
    """An entry whose extended headers, which tarfile holds in memory, are of a size that people write."""

    def _proc_pax(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        return self._bounded(super()._proc_pax, archive)  # type: ignore[misc]

    def _proc_gnulong(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        return self._bounded(super()._proc_gnulong, archive)  # type: ignore[misc]

    def _bounded(self, read: object, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.size > EXTENDED_HEADER_BYTES_MAX:
            raise tarfile.ReadError(f"an extended header of {self.size} bytes")
        assert callable(read)
        found: tarfile.TarInfo = read(archive)
        return found
