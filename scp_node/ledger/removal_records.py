"""What the ledger hands out of files that are removed, of erasures, and of the bytes that went each day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, Protocol

from scp_node.errors import Removed

RemovalReason = Literal["age", "disk", "erased"]
"""Its days were over; the disk was nearly full; a person had it erased."""
ErasureKind = Literal["study", "patient"]
REASONS: dict[RemovalReason, str] = {
    "age": "its days were over",
    "disk": "the disk was nearly full",
    "erased": "erased",
}


class Spooled(Protocol):
    """A row that stands for a file of the spool, as long as that was not removed."""

    @property
    def spool_name(self) -> str: ...
    @property
    def removed_at(self) -> datetime | None: ...
    @property
    def removed_because(self) -> RemovalReason | None: ...


def in_spool(row: Spooled) -> str:
    """The name of its file in the spool. Raises Removed where retention has removed that."""
    if row.removed_at is not None:
        raise Removed(removed_words(row))
    return row.spool_name


def removed_words(row: Spooled) -> str:
    """When and why the file of a row was removed, as a clause of a sentence; empty where it was not."""
    if row.removed_at is None:
        return ""
    why = REASONS[row.removed_because or "age"]
    return f"its file was removed by retention on {row.removed_at:%Y-%m-%d} ({why})"


@dataclass(frozen=True)
class MarkedFiles:
    """Files that rows do not stand for any more."""

    files: int = 0
    bytes: int = 0

    def __add__(self, other: MarkedFiles) -> MarkedFiles:
        return MarkedFiles(self.files + other.files, self.bytes + other.bytes)


@dataclass(frozen=True)
class RemovedDay:
    """What went on one day (UTC) for one reason."""

    day: date
    reason: RemovalReason
    files: int
    bytes: int


@dataclass(frozen=True)
class ErasureRow:
    """That something was erased: no patient data, and no UID of the patient. `finished_at`: when the last byte of it
    was gone from spool and database, None before."""

    erasure_id: str
    at: datetime
    operator: str
    kind: ErasureKind
    studies: int
    images: int
    results: int
    files: int
    bytes: int
    finished_at: datetime | None = None
