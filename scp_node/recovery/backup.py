"""A backup of a node that runs: the ledger as it was at one moment, and every file of the spool that it names.

The snapshot comes first. What was acknowledged before it is in it, and its files are on the disk before their rows are
there; what comes later is for the next backup. A file that retention or an erasure removes meanwhile makes the snapshot
worthless, because it still names what was to go: a new one is taken.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import sqlalchemy as sa

from converter.regular_file import read_regular
from scp_node.errors import BackupFailed, BackupUnusable, UsageError
from scp_node.host.disk_space import free_bytes
from scp_node.host.lock_file import exclusive
from scp_node.ledger.shape import revision_of
from scp_node.ledger.snapshot import check_integrity, opened_snapshot, take_snapshot
from scp_node.ledger.spool_names import named_files, still_named
from scp_node.recovery.backup_files import BackupFiles, prune
from scp_node.recovery.backup_folder import (
    CONFIG,
    LEDGER,
    LOCK,
    MANIFEST,
    MARKER,
    SPOOL,
    STATE,
    BackupFolder,
    Entry,
    ManifestFile,
    Marker,
    WrittenFile,
    write_durably,
    written_file,
)
from scp_node.recovery.kept_file import WAYS, FileKeeper, Way
from scp_node.storage.durable_files import fsync_folder, make_directory

SNAPSHOTS_MAX = 5
# More files than that are not missing one by one: the spool is not there.
MISSING_MAX = 10_000
CONFIG_BYTES_MAX = 2**24
OnFile = Callable[[], None]


@dataclass(frozen=True)
class NodeData:
    """What is backed up: the spool, the database, and the configuration file as text. `free_bytes_min` is what the
    node's own disk keeps."""

    data_dir: Path
    spool: Path
    engine: sa.Engine
    config: Path
    free_bytes_min: int

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"


@dataclass(frozen=True)
class BackupMade:
    """What a backup came to. `ways`: how many files were brought there in each way, without those that were there.
    `faults`: what the spool itself had lost, or had damaged."""

    folder: Path
    marker: Marker
    ways: dict[Way, int]
    reused: int
    faults: tuple[Entry, ...]
    pruned: int


def make_backup(node: NodeData, root: Path, *, verify: bool = False, on_file: OnFile = lambda: None) -> BackupMade:
    """Bring the backup in `root` up to date, or begin one. Until it is whole the one before stays whole.

    `verify` reads every file of the backup anew. Raises UsageError where no backup can be made in `root`,
    ConfigurationError while another one is made, LedgerDamaged, and BackupFailed.
    """
    _check_place(node, root)
    folder = BackupFolder(root)
    try:
        for made in (root, root / SPOOL):
            make_directory(made)
        with exclusive(root / LOCK, 0, taken=f"{root} holds a backup that is being made"):
            return _make(node, folder, verify, on_file)
    except OSError as error:
        reason = error.strerror or str(error)
        raise BackupFailed(f"{error.filename or root}: {reason}: {_what_stands(folder)}") from error


def _check_place(node: NodeData, root: Path) -> None:
    inside = root.resolve()
    for what, folder in (("the data folder", node.data_dir), ("the spool", node.spool)):
        there = folder.resolve()
        if inside.is_relative_to(there) or there.is_relative_to(inside):
            raise UsageError(f"{root} and {what} {folder} lie in each other: name another folder")
    if root.exists() and not root.is_dir():
        raise UsageError(f"{root} is no folder")
    if root.is_dir() and any(root.iterdir()) and not ((root / LOCK).exists() or (root / MARKER).exists()):
        raise UsageError(f"{root} is neither empty nor a backup: name another folder")


def _what_stands(folder: BackupFolder) -> str:
    try:
        return f"this backup was not finished; the one of {folder.read_marker().taken_at:%Y-%m-%d %H:%M:%S} UTC stands"
    except BackupUnusable:
        return f"this backup was not finished, and there is no whole one in {folder.root}"


def _make(node: NodeData, folder: BackupFolder, verify: bool, on_file: OnFile) -> BackupMade:
    before = _marker_before(folder)
    _sweep_states(folder, before.state if before else "")
    keeper = FileKeeper(WAYS, lambda count: _check_room(node, folder, count))
    files = BackupFiles(node.spool, folder, keeper)
    last = before.state if before else ""
    for _ in range(SNAPSHOTS_MAX):
        taken_at = datetime.now(UTC)
        state = f"{STATE}{taken_at:%Y%m%dT%H%M%S.%fZ}"
        revision = _take_state(node, folder, state)
        manifest, written, gone = _keep_files(node, folder, files, state, last, on_file)
        if not _was_removed(node, gone):
            break
        last = state
    else:
        raise BackupFailed(f"files were removed during each of {SNAPSHOTS_MAX} attempts: {_what_stands(folder)}")
    marker = Marker(
        release=version("hilum"),
        ledger_revision=revision,
        taken_at=taken_at,
        state=state,
        ledger=_checked_ledger(node, folder, state),
        manifest=written,
        files=manifest.files,
        bytes=manifest.bytes,
    )
    files.check(folder.entries(marker), verify=verify)
    folder.write_marker(marker)
    _sweep_states(folder, state)
    return BackupMade(folder.root, marker, files.ways, files.reused, files.faults, prune(folder, marker))


def _marker_before(folder: BackupFolder) -> Marker | None:
    """The backup that is there, if it is whole as far as can be told quickly."""
    try:
        marker = folder.read_marker()
        folder.check_manifest(marker)
    except BackupUnusable:
        return None
    return marker


def _sweep_states(folder: BackupFolder, kept: str) -> None:
    """Remove the ledgers of other moments: nothing in them may outlive the node's own deletions."""
    for state in folder.root.glob(f"{STATE}*"):
        if state.name != kept:
            for file in state.iterdir():
                file.unlink()
            state.rmdir()


def _take_state(node: NodeData, folder: BackupFolder, state: str) -> str:
    """Snapshot and configuration of this moment; returns the shape of the ledger."""
    make_directory(folder.root / state)
    write_durably(folder.of_state(state, CONFIG), read_regular(node.config, CONFIG_BYTES_MAX))
    if not node.is_sqlite:
        with node.engine.connect() as connection:
            return revision_of(connection) or ""
    database, snapshot = Path(node.engine.url.database or ""), folder.of_state(state, LEDGER)
    _check_room(node, folder, database.stat().st_size)
    write_durably(snapshot, b"")
    take_snapshot(node.engine, snapshot)
    with snapshot.open("rb") as file:
        os.fsync(file.fileno())
    with opened_snapshot(snapshot) as connection:
        return revision_of(connection) or ""


@contextmanager
def _listing(node: NodeData, folder: BackupFolder, state: str) -> Iterator[sa.Connection]:
    if node.is_sqlite:
        with opened_snapshot(folder.of_state(state, LEDGER)) as connection:
            yield connection
        return
    with node.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        yield connection


def _keep_files(
    node: NodeData, folder: BackupFolder, files: BackupFiles, state: str, last: str, on_file: OnFile
) -> tuple[ManifestFile, WrittenFile, list[str]]:
    """Every file that the snapshot names; also the names of those that the spool has not."""
    gone = list[str]()
    files.begin(folder.of_state(last, MANIFEST) if last else None)
    path = folder.of_state(state, MANIFEST)
    with closing(ManifestFile(path)) as manifest, _listing(node, folder, state) as connection:
        for named in named_files(connection):
            entry = files.keep(named)
            manifest.add(entry)
            if entry.fault == "lost":
                gone.append(named.name)
            if len(gone) > MISSING_MAX:
                raise BackupFailed(
                    f"{node.spool}: more than {MISSING_MAX} files are missing that the ledger names: is this its "
                    f"disk? {_what_stands(folder)}"
                )
            on_file()
        return manifest, manifest.written(), gone


def _was_removed(node: NodeData, gone: list[str]) -> bool:
    """Whether a file is missing because it was removed since the snapshot, with the rows that named it."""
    with node.engine.connect() as connection:
        return any(
            still_named(connection, part) != set(part)
            for part in (gone[start : start + 500] for start in range(0, len(gone), 500))
        )


def _checked_ledger(node: NodeData, folder: BackupFolder, state: str) -> WrittenFile | None:
    if not node.is_sqlite:
        return None
    snapshot = folder.of_state(state, LEDGER)
    check_integrity(snapshot)
    fsync_folder(snapshot.parent)
    return written_file(snapshot)


def _check_room(node: NodeData, folder: BackupFolder, count: int) -> None:
    """On the node's own disk a backup leaves free what images need."""
    if not node.spool.is_dir() or folder.root.stat().st_dev != node.spool.stat().st_dev:
        return
    if free_bytes(folder.root) - count < node.free_bytes_min:
        raise BackupFailed(
            f"{folder.root} is on the node's own disk, which keeps {node.free_bytes_min // 2**20} MiB free "
            f"(storage.free_bytes_min): name a folder on another disk. {_what_stands(folder)}"
        )
