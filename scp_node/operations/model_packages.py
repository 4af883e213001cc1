"""Adds a model package to a folder of packages: copied whole under a name of its own, then named in one step."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from converter.errors import InvalidManifest
from converter.package.manifest import load_manifest
from scp_node.errors import ModelMissing, ModelUnusable, UsageError
from scp_node.inference.packages import Folders, ModelPackage, find_package, open_package
from scp_node.operations.acts import ActOutcome, Operator
from scp_node.operations.package_files import MANIFEST, PackedFile, bytes_max, package_files
from scp_node.storage.durable_files import fsync_folder

CHUNK_BYTES = 1 << 20
# A package is no secret and other users than the one who adds it serve it; the folder above may be closed.
FOLDER_MODE, FILE_MODE = 0o755, 0o644
STAGING = ".adding-"
# Whoever still copied for so long was killed.
STAGING_S = 86_400.0


@contextmanager
def staged(source: Path, target: Path) -> Iterator[ModelPackage]:
    """A copy of the package in `source` (a folder, or a tar or zip file) inside the folder `target`, whatever becomes
    of it removed at the end. Raises ModelUnusable, OSError."""
    _make(target)
    _forget_killed(target)
    work = target / f"{STAGING}{secrets.token_hex(8)}"
    try:
        _make(work / "files")
        with package_files(source) as files:
            for file in files:
                _copy(file, work / "files" / file.name, source)
        try:
            manifest = load_manifest(work / "files" / MANIFEST)
        except InvalidManifest as error:
            raise ModelUnusable(f"{source}: {str(error).replace(str(work / 'files'), str(source))}") from error
        place = work / manifest.name / manifest.version
        _make(place.parent)
        (work / "files").rename(place)
        for folder in (place, *(inside for inside in place.iterdir() if inside.is_dir())):
            fsync_folder(folder)
        yield open_package(place)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def add_package(package: ModelPackage, target: Path, known: Folders, operator: Operator) -> tuple[ModelPackage, bool]:
    """Give the staged `package` its name in `target`; (the package there, whether it is new).

    One of the same name, version and content in `known` or `target` stays what it is. Raises UsageError where there is
    one with other content: results that name it would no longer say what made them.
    """
    outcome: ActOutcome = "failed"
    try:
        existing = _existing(package, target, known)
        if existing is None:
            existing = _named(package, target)
            outcome = "done"
            return existing, True
        if contents(existing.folder) != contents(package.folder):
            outcome = "refused"
            raise UsageError(
                f"{package.label} is there already, with other content, in {existing.folder}: a version is never "
                "changed once it may have made results. Give the new one another version: that of the folder which "
                "`python -m training package RUN models/NAME/VERSION` writes"
            )
        outcome = "done"
        return existing, False
    finally:
        operator.record("add-model", "model", package.pin, outcome)


def contents(folder: Path) -> dict[str, bytes]:
    """What makes a package what it is: the bytes of all files but card and report."""
    names = [path.name for path in folder.iterdir() if bytes_max(path.name) is not None and path.name != "CARD.md"]
    return {name: (folder / name).read_bytes() for name in sorted(names)}


def _existing(package: ModelPackage, target: Path, known: Folders) -> ModelPackage | None:
    """The package of this name and version that a node finds. Raises ModelUnusable where it is broken."""
    places = (target, *((known,) if isinstance(known, Path) else known))
    try:
        return find_package(places, package.label)
    except ModelMissing:
        return None


def _named(package: ModelPackage, target: Path) -> ModelPackage:
    """Rename, and make the name durable. Two who add at the same time: the second one is told."""
    place = target / package.manifest.name / package.manifest.version
    _make(place.parent)
    try:
        package.folder.rename(place)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise UsageError(f"{place}: somebody else has just added this version; run the command again") from error
        raise
    fsync_folder(place.parent)
    fsync_folder(target)
    return open_package(place)


def _copy(file: PackedFile, path: Path, source: Path) -> None:
    """Write one file durably, at most as large as its kind may be."""
    most = bytes_max(file.name)
    if most is None or file.size > most:
        raise ModelUnusable(f"{source}: {file.name} has {file.size} bytes, more than the {most} that are allowed")
    _make(path.parent)
    copied = 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
    with os.fdopen(descriptor, "wb") as out:
        while chunk := file.content.read(CHUNK_BYTES):
            copied += len(chunk)
            if copied > most:
                raise ModelUnusable(f"{source}: {file.name} unpacks to more than {most} bytes")
            out.write(chunk)
        out.flush()
        os.fchmod(descriptor, FILE_MODE)
        os.fsync(descriptor)
    if copied != file.size:
        raise ModelUnusable(f"{source}: {file.name} has {copied} bytes, not the {file.size} that are stated")


def _forget_killed(target: Path) -> None:
    """Remove the copies of those who were killed while they added a package."""
    for work in target.glob(f"{STAGING}*"):
        if time.time() - work.stat().st_mtime > STAGING_S:
            shutil.rmtree(work, ignore_errors=True)


def _make(folder: Path) -> None:
    """A folder that everybody may look into; one that is there stays as it is."""
    if not folder.is_dir():
        folder.mkdir(parents=True)
        folder.chmod(FOLDER_MODE)
        fsync_folder(folder.parent)
