"""What a backup looks like on its disk: a marker, written last, that names everything else and its digests.

backup.json                     the marker: which state is whole
state-20260131T100000Z/         ledger.db, manifest.jsonl, node.yaml of that moment
spool/ab/<name>.dcm             the files that the ledger names
backup.lock                     held by the backup that is being made
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from converter.regular_file import read_regular
from scp_node.errors import BackupUnusable
from scp_node.storage.durable_files import fsync_folder

MARKER, LOCK, SPOOL = "backup.json", "backup.lock", "spool"
STATE, LEDGER, MANIFEST, CONFIG = "state-", "ledger.db", "manifest.jsonl", "node.yaml"
MARKER_BYTES_MAX = 2**16

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WrittenFile(_Strict):
    """One file of a state, as it was written."""

    bytes: Count
    sha256: Sha256


class Marker(_Strict):
    """A whole backup. `ledger` is null where the database is kept by pg_dump."""

    kind: Literal["hilum-backup"] = "hilum-backup"
    format: Literal[1] = 1
    release: str
    ledger_revision: str
    taken_at: datetime
    state: Annotated[str, Field(pattern=r"^state-[0-9TZ.]+$")]
    ledger: WrittenFile | None
    manifest: WrittenFile
    files: Count
    bytes: Count


class Entry(_Strict):
    """One line of the manifest: a file of the spool as it is in the backup. fault: "lost" where the spool itself had
    lost it, "damaged" where it was not what had been received."""

    name: Sha256
    bytes: Count = 0
    mtime_ns: Count = 0
    sha256: str = ""
    fault: Literal["", "lost", "damaged"] = ""


def spooled(spool: Path, name: str) -> Path:
    """A file of a spool, or of one in a backup."""
    return spool / name[:2] / f"{name}.dcm"


@dataclass(frozen=True)
class BackupFolder:
    """The paths of a backup in `root`."""

    root: Path

    @property
    def marker(self) -> Path:
        return self.root / MARKER

    def file(self, name: str) -> Path:
        return spooled(self.root / SPOOL, name)

    def of_state(self, state: str, name: str) -> Path:
        return self.root / state / name

    def read_marker(self) -> Marker:
        """Raises BackupUnusable where there is no whole backup."""
        try:
            return Marker.model_validate_json(read_regular(self.marker, MARKER_BYTES_MAX))
        except FileNotFoundError as error:
            raise BackupUnusable(f"{self.root}: holds no whole backup: {MARKER} is not there") from error
        except ValidationError as error:
            raise BackupUnusable(f"{self.marker}: is damaged, or of a newer release") from error

    def write_marker(self, marker: Marker) -> None:
        """In one step, once everything that it names is on the disk."""
        part = self.root / f"{MARKER}.part"
        write_durably(part, marker.model_dump_json(indent=1).encode() + b"\n")
        part.replace(self.marker)
        fsync_folder(self.root)

    def check_manifest(self, marker: Marker) -> None:
        """Raises BackupUnusable where the manifest is not what the marker says."""
        check_written(self.of_state(marker.state, MANIFEST), marker.manifest)

    def entries(self, marker: Marker) -> Iterator[Entry]:
        """The lines of the manifest, in the order of the names."""
        yield from entries_in(self.of_state(marker.state, MANIFEST))


def entries_in(manifest: Path) -> Iterator[Entry]:
    """The lines of a manifest."""
    with manifest.open(encoding="utf-8") as lines:
        for line in lines:
            yield Entry.model_validate_json(line)


class ManifestFile:
    """Writes the lines of a manifest, and what the marker says of them."""

    def __init__(self, path: Path) -> None:
        self._file = _private_file(path)
        self._digest, self._written = hashlib.sha256(), 0
        self.files = self.bytes = 0

    def add(self, entry: Entry) -> None:
        line = json.dumps(entry.model_dump(exclude_defaults=True)).encode() + b"\n"
        self._file.write(line)
        self._digest.update(line)
        self._written += len(line)
        self.files += entry.fault != "lost"
        self.bytes += entry.bytes

    def close(self) -> None:
        self._file.close()

    def written(self) -> WrittenFile:
        """All of it is on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return WrittenFile(bytes=self._written, sha256=self._digest.hexdigest())


def check_written(path: Path, written: WrittenFile) -> None:
    """Raises BackupUnusable, which names the file, unless it is as it was written."""
    try:
        found = written_file(path)
    except FileNotFoundError as error:
        raise BackupUnusable(f"{path}: is missing") from error
    if found != written:
        is_short = found.bytes < written.bytes
        raise BackupUnusable(f"{path}: {'is cut short' if is_short else 'is damaged: its SHA-256 is another one'}")


def written_file(path: Path) -> WrittenFile:
    """What there is of a file. Raises OSError."""
    with path.open("rb") as file:
        return WrittenFile(
            bytes=os.fstat(file.fileno()).st_size, sha256=hashlib.file_digest(file, "sha256").hexdigest()
        )


def write_durably(path: Path, data: bytes) -> None:
    """For its owner alone, and on the disk when this returns. Raises OSError."""
    with _private_file(path) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _private_file(path: Path) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    return os.fdopen(os.open(path, flags, 0o600), "wb")
