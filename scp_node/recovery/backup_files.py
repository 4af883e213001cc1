"""The files of a backup: those that are there already stay, others are brought, and what nothing names is removed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from os import stat_result
from pathlib import Path

from scp_node.errors import BackupFailed
from scp_node.ledger.spool_names import NamedFile
from scp_node.recovery.backup_folder import SPOOL, BackupFolder, Entry, Marker, entries_in, spooled
from scp_node.recovery.kept_file import FileKeeper, Way, digests_of
from scp_node.storage.durable_files import fsync_folder

FAULTS_MAX = 1000


class BackupFiles:
    """Keeps the files of one backup; `spool` is laid out as that of a backup. `ways`,
    `reused` and `faults` tell what was done since the last `begin`."""

    def __init__(self, spool: Path, folder: BackupFolder, keeper: FileKeeper) -> None:
        self._spool, self._folder, self._keeper = spool, folder, keeper
        self.begin(None)

    def begin(self, manifest: Path | None) -> None:
        """Files are named from now on in the order of their names; `manifest` tells what was read of them before."""
        self._known = _Known(manifest)
        self._ways, self.reused, self._faults = Counter[Way](), 0, list[Entry]()
        self._shards = set[Path]()

    @property
    def ways(self) -> dict[Way, int]:
        return dict(self._ways)

    @property
    def faults(self) -> tuple[Entry, ...]:
        """The first of what is lost or damaged."""
        return tuple(self._faults)

    def keep(self, named: NamedFile) -> Entry:
        """Have a file in the backup; "lost" where the spool has none of that name. Raises OSError."""
        entry = self._kept(named)
        if entry.fault and len(self._faults) < FAULTS_MAX:
            self._faults.append(entry)
        return entry

    def _kept(self, named: NamedFile) -> Entry:
        source, target = spooled(self._spool, named.name), self._folder.file(named.name)
        known = self._known.of(named.name)
        found, there = _stat(source), _stat(target)
        if found is None:
            return Entry(name=named.name, fault="lost")
        if there is not None and _state(there) == _state(found):
            if known is not None and (known.bytes, known.mtime_ns) == _state(there):
                self.reused += 1
                return known
            entry = _entry(named, target, there)
            if not entry.fault:  # brought by a backup that was not finished
                self._shards.add(target.parent)
                self.reused += 1
                return entry
        if there is not None:
            self._folder.marker.unlink(missing_ok=True)  # what it names is about to change
            fsync_folder(self._folder.root)
        try:
            self._put(source, target)
        except FileNotFoundError:
            return Entry(name=named.name, fault="lost")
        return _entry(named, target, target.stat())

    def _put(self, source: Path, target: Path) -> None:
        self._shards.add(target.parent)
        self._ways[self._keeper.put(source, target)] += 1

    def check(self, entries: Iterable[Entry], *, verify: bool) -> None:
        """Every file is there with its size and durable under its name; with `verify` with its digest too, or is
        brought once more. Raises BackupFailed, which names the file."""
        for entry in entries:
            if entry.fault == "lost":
                continue
            target = self._folder.file(entry.name)
            if (problem := _problem(target, entry, verify)) is None:
                continue
            try:
                self._put(spooled(self._spool, entry.name), target)
            except FileNotFoundError as error:
                raise BackupFailed(f"{target}: {problem}, and the spool has it no more: back up again") from error
            if _problem(target, entry, verify) is not None:
                raise BackupFailed(f"{target}: {problem}, and so is the file of the spool: back up again")
        for folder in (*self._shards, self._folder.root / SPOOL, self._folder.root):
            fsync_folder(folder)


def prune(folder: BackupFolder, marker: Marker) -> int:
    """Remove every file that the manifest does not name, and part files; returns how many."""
    removed, names = 0, (entry.name for entry in folder.entries(marker))
    wanted = next(names, None)
    for shard in sorted((folder.root / SPOOL).glob("??")):
        for path in sorted(shard.iterdir()):
            while wanted is not None and wanted < path.stem:
                wanted = next(names, None)
            if wanted != path.stem or path.suffix != ".dcm":
                path.unlink()
                removed += 1
    return removed


class _Known:
    """Looks names up in a manifest, in the order in which both have them."""

    def __init__(self, manifest: Path | None) -> None:
        self._entries = entries_in(manifest) if manifest is not None else iter(())
        self._next = next(self._entries, None)

    def of(self, name: str) -> Entry | None:
        while self._next is not None and self._next.name < name:
            self._next = next(self._entries, None)
        return self._next if self._next is not None and self._next.name == name else None


def _stat(path: Path) -> stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _state(found: stat_result) -> tuple[int, int]:
    return found.st_size, found.st_mtime_ns


def _entry(named: NamedFile, target: Path, found: stat_result) -> Entry:
    digests = digests_of(target, named)
    return Entry(
        name=named.name,
        bytes=digests.bytes,
        mtime_ns=found.st_mtime_ns,
        sha256=digests.sha256,
        fault="" if digests.as_entered else "damaged",
    )


def _problem(target: Path, entry: Entry, verify: bool) -> str | None:
    found = _stat(target)
    if found is None:
        return "is missing"
    if found.st_size != entry.bytes:
        return f"has {found.st_size} bytes instead of {entry.bytes}"
    if verify and digests_of(target).sha256 != entry.sha256:
        return "is damaged"
    return None
