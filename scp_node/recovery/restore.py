"""A backup becomes the data folder of a node, whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scp_node.errors import BackupFailed, BackupUnusable, ConfigurationError, UsageError
from scp_node.host.disk_space import free_bytes
from scp_node.host.lock_file import exclusive
from scp_node.ledger.shape import shape_called
from scp_node.ledger.snapshot import check_integrity
from scp_node.recovery.backup_folder import LEDGER, SPOOL, BackupFolder, Entry, Marker, check_written
from scp_node.recovery.interrupted import RESTORING
from scp_node.recovery.kept_file import FileKeeper, digests_of
from scp_node.settings.places import in_use_lock
from scp_node.storage.durable_files import fsync_folder, make_directory

PLACES = (SPOOL, LEDGER)
# What may lie in a data folder that counts as empty: locks of a node that has ended, what mkfs makes.
IGNORED = {"locks", "lost+found"}
NAMES_TOLD_MAX = 20


@dataclass(frozen=True)
class Restored:
    """What was restored. `left_out`: files that rows stand on and that are not there."""

    data_dir: Path
    marker: Marker
    left_out: tuple[str, ...]


def restore_backup(
    root: Path, data_dir: Path, *, leave_out_damaged: bool = False, on_file: Callable[[], None] = lambda: None
) -> Restored:
    """Copy the backup in `root` to `data_dir`, comparing every digest.

    Raises BackupUnusable, which names what is damaged, and nothing is left in `data_dir` then; with `leave_out_damaged`
    files of the spool that are damaged or missing are left out and the rest is restored. Raises UsageError where
    `data_dir` is not empty, and ConfigurationError where a node runs there or a newer release made the backup.
    """
    folder = BackupFolder(root)
    marker = folder.read_marker()
    shape = shape_called(marker.ledger_revision, f"the ledger of {root}, which hilum {marker.release} has made,")
    if shape.fault:
        raise ConfigurationError(f"{shape.fault}\n    {shape.remedy}")
    try:
        with _data_folder(data_dir) as target:
            folder.check_manifest(marker)
            _check_room(target, marker)
            left_out = _restore_files(folder, marker, target, leave_out_damaged, on_file)
            _restore_ledger(folder, marker, target)
            _put_in_place(target, data_dir)
    except OSError as error:
        raise BackupFailed(f"{error.filename or data_dir}: {error.strerror}: nothing was restored") from error
    return Restored(data_dir, marker, tuple(left_out))


@contextmanager
def _data_folder(data_dir: Path) -> Iterator[Path]:
    """A folder in `data_dir` to restore into; whatever goes wrong, nothing of it stays."""
    make_directory(data_dir)
    with exclusive(
        in_use_lock(data_dir), 0, taken=f"{data_dir} is held by a node that runs: stop it, and name an empty folder"
    ):
        target = data_dir / RESTORING
        ours = {*IGNORED, RESTORING, *(PLACES if target.exists() else ())}
        found = sorted(entry.name for entry in data_dir.iterdir() if entry.name not in ours)
        if found:
            raise UsageError(
                f"{data_dir} is not empty ({', '.join(found[:3])}): move it away first, or name another folder"
            )
        _clear(data_dir)
        make_directory(target)
        fsync_folder(data_dir)
        try:
            yield target
        except BaseException:
            _clear(data_dir)
            raise


def _clear(data_dir: Path) -> None:
    """Remove what a restore has brought there; its mark goes last."""
    (data_dir / LEDGER).unlink(missing_ok=True)
    for name in (SPOOL, RESTORING):
        shutil.rmtree(data_dir / name, ignore_errors=True)


def _check_room(target: Path, marker: Marker) -> None:
    wanted, free = marker.bytes + (marker.ledger.bytes if marker.ledger else 0), free_bytes(target)
    if wanted > free:
        raise BackupFailed(f"{target.parent}: the backup takes {wanted // 2**20} MiB, and {free // 2**20} MiB are free")


def _restore_files(
    folder: BackupFolder, marker: Marker, target: Path, leave_out_damaged: bool, on_file: Callable[[], None]
) -> list[str]:
    """Returns the names of the files that are not there."""
    keeper, restored = FileKeeper(("clone", "copy")), BackupFolder(target)
    problems, left_out = list[str](), list[str]()
    make_directory(target / SPOOL)
    for entry in folder.entries(marker):
        problem = "" if entry.fault == "lost" else _restored(folder, restored, entry, keeper)
        if problem:
            problems.append(problem)
        if problem or entry.fault == "lost":
            left_out.append(entry.name)
        on_file()
    if problems and not leave_out_damaged:
        error = BackupUnusable(
            f"{folder.root}: {len(problems)} of {marker.files} files are not as they were written: nothing was "
            "restored. Take another backup, or restore the rest with --leave-out-damaged"
        )
        error.further_lines = tuple(problems[:NAMES_TOLD_MAX])
        raise error
    for shard in (target / SPOOL).iterdir():
        fsync_folder(shard)
    fsync_folder(target / SPOOL)
    return left_out


def _restored(folder: BackupFolder, restored: BackupFolder, entry: Entry, keeper: FileKeeper) -> str:
    """Copy a file; returns what is wrong with it, and leaves it out then."""
    source, copied = folder.file(entry.name), restored.file(entry.name)
    try:
        keeper.put(source, copied)
    except FileNotFoundError:
        return f"{source}: is missing"
    found = digests_of(copied)
    if found.sha256 == entry.sha256:
        return ""
    copied.unlink()
    return f"{source}: {'is cut short' if found.bytes < entry.bytes else 'is damaged: its SHA-256 is another one'}"


def _restore_ledger(folder: BackupFolder, marker: Marker, target: Path) -> None:
    if marker.ledger is None:
        return
    FileKeeper(("clone", "copy")).put(folder.of_state(marker.state, LEDGER), target / LEDGER)
    try:
        check_written(target / LEDGER, marker.ledger)
    except BackupUnusable as error:
        raise BackupUnusable(f"{folder.of_state(marker.state, LEDGER)}: is damaged: nothing was restored") from error
    check_integrity(target / LEDGER)
    fsync_folder(target)


def _put_in_place(target: Path, data_dir: Path) -> None:
    """The ledger comes last, and the folder that keeps a node from starting goes when all is in its place."""
    for name in PLACES:
        if (target / name).exists():
            (target / name).rename(data_dir / name)
            fsync_folder(data_dir)
    target.rmdir()
    fsync_folder(data_dir)
